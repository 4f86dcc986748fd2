"""What is wrong with a value is told without pydantic's words, and without the value."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks.contract.wording import complaint


def refuse(_: Any) -> Any:
    raise ValueError("is none of ours")


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=0.5)] = 0.1
    switch: bool = False
    name: Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]*$")] = "ab"
    kind: Literal["a", "b"] = "a"
    many: tuple[int, ...] = ()
    table: dict[str, str] = {}
    at: datetime | None = None
    ours: Annotated[str, AfterValidator(refuse)] = ""


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "canary", "is no whole number"),
        ("number", 0, "must be at least 1"),
        ("number", 10, "must be at most 9"),
        ("share", "canary", "is no number"),
        ("share", 0, "must be more than 0"),
        ("share", 1, "must be less than 0.5"),
        ("switch", "canary", "is neither true nor false"),
        ("name", 7, "is no text"),
        ("name", "c", "must have at least 2 characters"),
        ("name", "canary", "must have at most 3 characters"),
        ("name", "C1", "has not the form ^[a-z]*$"),
        ("kind", "canary", "must be 'a' or 'b'"),
        ("many", 7, "is no list"),
        ("table", 7, "is no table of names and values"),
        ("at", "canary", "is no moment, such as 2030-01-31T12:00:00Z"),
        ("ours", "canary", "is none of ours"),
        ("canary", 1, "is unknown"),
    ],
)
def test_a_value_is_refused_in_plain_words(field: str, value: object, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Model.model_validate({field: value})

    assert complaint(raised.value.errors(include_url=False, include_input=False)[0]) == words


def test_what_no_words_are_known_for_is_told_without_pydantics() -> None:
    assert complaint({"type": "new_in_the_next_version", "msg": "Input should be new"}) == (
        "cannot be used here"
    )
