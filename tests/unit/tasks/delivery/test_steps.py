"""Mails of a run are made ready step by step, and what may block is done for all of them in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.delivery import steps as module
from tasks.delivery.steps import Steps, work_off
from tasks.failures import PermanentFailure, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Mail:
    """Notes how it was settled."""

    def __init__(self) -> None:
        self.failures: list[Any] = []

    def settle(self, failure: Any) -> None:
        self.failures.append(failure)


@pytest.fixture
def offloaded(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    works: list[Callable[[], Any]] = []

    def offload(work: Callable[[], Any]) -> Any:
        works.append(work)
        return work()

    monkeypatch.setattr(module, "offload", offload)
    return works


def prepare(*mails: tuple[Any, Generator[Any, Any, None]]) -> None:
    policy: Any = None
    under_way = [Steps(mail, steps) for mail, steps in mails]
    while under_way:
        under_way = [one for one in under_way if one.go_on(policy)]
        work_off([one for one in under_way if one.work])


def reading(order: list[Any], name: str, work: Callable[[], Any] | None) -> Generator[Any, Any, None]:
    order.append(f"{name} begun")
    done = yield work
    order.append((name, done() if done else None))


def test_what_may_block_is_done_for_all_mails_in_one_go(offloaded: list[Any]) -> None:
    order: list[Any] = []
    prepare(
        (Mail(), reading(order, "a", lambda: "file a")),
        (Mail(), reading(order, "b", None)),
        (Mail(), reading(order, "c", lambda: "file c")),
    )

    assert len(offloaded) == 1
    assert order == ["a begun", "b begun", "c begun", ("a", "file a"), ("b", None), ("c", "file c")]


def test_what_work_raises_decides_about_its_own_mail(offloaded: list[Any]) -> None:
    refused = PermanentFailure(Reply(605, "no such file"))
    order: list[Any] = []
    first, second = Mail(), Mail()

    def fail() -> None:
        raise refused

    prepare((first, reading(order, "a", fail)), (second, reading(order, "b", lambda: "file b")))

    assert first.failures == [refused]
    assert second.failures == []
    assert order[-1] == ("b", "file b")
    assert len(offloaded) == 1


def test_nothing_is_offloaded_for_mails_without_work(offloaded: list[Any]) -> None:
    prepare((Mail(), reading([], "a", None)))

    assert offloaded == []
