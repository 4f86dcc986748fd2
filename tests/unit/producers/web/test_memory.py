"""How often a gateway looks for garbage."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from producers.web.memory import look_seldom

if TYPE_CHECKING:
    from collections.abc import Iterator


class Knot:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def _as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("_as_it_was")
def test_what_is_there_is_left_out_and_cycles_still_end() -> None:
    before = Knot()

    look_seldom()
    knots = [weakref.ref(Knot()) for _ in range(gc.get_threshold()[0] + 1)]

    assert gc.get_freeze_count() > 0
    assert not any(found is before for found in gc.get_objects())
    assert any(knot() is None for knot in knots)
