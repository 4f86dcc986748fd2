"""What blocks is done by helper threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.worker.fibers.running import LONG, carry

if TYPE_CHECKING:
    from worker.fibers.loop import FiberLoop


def test_what_blocks_is_done_elsewhere_and_its_outcome_comes_back() -> None:
    order: list[Any] = []
    may_go = threading.Event()

    def blocked(loop: FiberLoop) -> None:
        order.append(loop.offload(lambda: (may_go.wait(LONG), threading.current_thread().name)[1]))

    def other(_loop: FiberLoop) -> None:
        order.append("other")
        may_go.set()

    carry(blocked, other)

    assert order[0] == "other"
    assert order[1].startswith("postroom-helper")


def test_what_the_work_elsewhere_raises_is_raised_where_it_was_asked_for() -> None:
    def fail() -> None:
        raise SystemExit("canary")

    def ask(loop: FiberLoop) -> None:
        with pytest.raises(SystemExit, match="canary"):
            loop.offload(fail)

    carry(ask)


def test_helpers_rest_and_serve_again() -> None:
    names: list[str] = []

    def ask(loop: FiberLoop) -> None:
        for _ in range(5):
            names.append(loop.offload(lambda: threading.current_thread().name))
            loop.sleep(0.02)

    carry(ask)

    assert len(set(names)) == 1


def test_work_that_no_thread_can_be_had_for_is_not_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def none(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def ask(loop: FiberLoop) -> None:
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", none)
            with pytest.raises(RuntimeError):
                loop.offload(lambda: done.append("in vain"))
        assert loop.offload(lambda: "served") == "served"

    carry(ask)

    assert done == []
