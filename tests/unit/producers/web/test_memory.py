"""How often a gateway looks for garbage, and that large requests leave none."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from producers.web.memory import look_seldom
from producers.web.problems import INVALID, Problem
from producers.web.routers import batches
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.web.gateway import Gateway


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


class Body(str):
    """A body whose end can be seen."""

    __slots__ = ("__weakref__",)


@pytest.fixture
def _no_search() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_search")
@pytest.mark.parametrize("wrong", [{"subject": "a\nb"}, {"to": "nobody"}, {"body": None}, {"nonsense": 1}])
def test_a_mail_that_is_refused_is_let_go_at_once(wrong: dict[str, Any]) -> None:
    mail = {"to": "ann@example.org", "subject": "s", "body": "b", "text_body": Body("canary")} | wrong
    seen = weakref.ref(mail["text_body"])
    with pytest.raises(InvalidInput) as refused:
        parse(mail)
    del mail, refused

    assert seen() is None


@pytest.mark.usefixtures("_no_search")
def test_a_batch_whose_mails_are_refused_is_let_go_at_once(keys: tuple[str, str], gateway: Gateway) -> None:
    key = gateway.keyring.find(keys[0])
    batch = json.dumps([{"to": "nobody", "subject": "s", "body": "b"}] * 2).encode()

    async def go() -> list[weakref.ref[Any]]:
        judged = await gateway.call(batches._judged, key, None, 10, batch)  # noqa: SLF001 (its way is what matters)
        assert [type(each) for each in judged] == [Problem, Problem]
        return [weakref.ref(each) for each in judged]

    assert [seen() for seen in asyncio.run(go())] == [None, None]
    gateway.close()


@pytest.mark.usefixtures("_no_search", "keys")
def test_what_a_thread_refused_is_let_go_at_once(gateway: Gateway) -> None:
    def refuse(_: Body) -> None:
        raise Problem(INVALID, "no")

    async def go() -> weakref.ref[Body]:
        body = Body("canary")
        with pytest.raises(Problem):
            await gateway.call(refuse, body)
        return weakref.ref(body)

    assert asyncio.run(go())() is None
    gateway.close()
