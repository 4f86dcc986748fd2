"""Models that are made without a look at their values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks.contract.result import Attempt
from tasks.contract.unchecked import unchecked

_NOW = datetime(2026, 11, 26, 21, 0, 0, 125000, tzinfo=UTC)


def test_what_is_made_without_a_look_is_equal_to_what_was_validated() -> None:
    made = unchecked(Attempt)(at=_NOW, code=250, message="Ok")
    validated = Attempt(at=_NOW, code=250, message="Ok")

    assert made == validated
    assert (repr(made), made.model_dump_json()) == (repr(validated), validated.model_dump_json())
    assert made.model_fields_set == validated.model_fields_set
    assert made.model_copy(update={"code": 251}).code == 251


def test_a_field_that_is_forgotten_is_noticed() -> None:
    with pytest.raises(TypeError, match="at, code, message"):
        unchecked(Attempt)(at=_NOW, code=250)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="at, code, message"):
        unchecked(Attempt)(at=_NOW, code=250, message="Ok", phase="data")  # type: ignore[call-arg]
