"""What became of mails is stored, whatever the result backend does, and told only then."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from worker.dispatch import reporter as module
from worker.dispatch.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LONG = 10.0


@dataclass
class Office:
    """A reporter with a result backend that fails as often as it is told, and what it says."""

    failures: int = 0
    written: list[list[Any]] = field(default_factory=list)
    told: queue.Queue[tuple[str, list[Any]]] = field(default_factory=queue.Queue)
    on_look: Callable[[], object] = lambda: None
    on_conclude: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.reporter = Reporter(
            self,
            conclude=self._conclude,
            put_back=lambda outcomes: self.told.put(("put back", list(outcomes))),
            look_after=lambda _: self.on_look(),
        )

    def _conclude(self, outcomes: Sequence[Any]) -> None:
        self.on_conclude()
        self.told.put(("concluded", list(outcomes)))

    def write(self, outcomes: Sequence[Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise RedisAway
        self.written.append(list(outcomes))

    def put(self, outcome: Any) -> None:
        self.reporter.put(outcome)

    def hear(self) -> tuple[str, list[Any]]:
        return self.told.get(timeout=LONG)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(module, "_PAUSES", (0.001,))
    office = Office()
    yield office
    office.reporter.stop()
    assert not office.reporter._thread.is_alive()  # noqa: SLF001 (it must have ended)


def test_what_waits_is_stored_together_and_then_told(office: Office) -> None:
    for outcome in ("a", "b", "c"):
        office.put(outcome)
    office.reporter.start()

    assert office.hear() == ("concluded", ["a", "b", "c"])
    assert office.written == [["a", "b", "c"]]


def test_a_backend_that_is_away_for_a_while_costs_nothing_but_time(office: Office) -> None:
    office.failures = 5
    office.reporter.start()
    office.put("a")

    assert office.hear() == ("concluded", ["a"])


def test_what_cannot_be_stored_goes_back_to_the_broker(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 0.0)
    office.failures = 1
    office.put("a")
    office.reporter.start()

    assert office.hear() == ("put back", ["a"])
    office.put("b")
    assert office.hear() == ("concluded", ["b"])


def test_at_the_end_what_is_left_is_reported(office: Office) -> None:
    office.reporter.start()
    office.put("a")
    office.reporter.stop()

    assert office.told.get_nowait() == ("concluded", ["a"])


@pytest.mark.parametrize("error", [RedisAway, RuntimeError, MemoryError, SystemExit])
def test_nothing_that_looking_after_mails_meets_ends_the_reporter(
    office: Office, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error("canary")

    office.on_look = fail
    office.reporter.start()
    for outcome in ("a", "b"):
        office.put(outcome)
        assert office.hear() == ("concluded", [outcome])
    assert "canary" not in caplog.text
    assert error.__name__ in str([getattr(record, "error", "") for record in caplog.records])


def test_mails_are_looked_after_although_none_is_done(office: Office) -> None:
    looked: queue.Queue[str] = queue.Queue()
    office.on_look = lambda: looked.put("looked")
    office.reporter.start()

    assert looked.get(timeout=LONG)
    assert looked.get(timeout=LONG)


def test_outcomes_that_cannot_be_concluded_cost_those_behind_them_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def fail() -> None:
        office.on_conclude = lambda: None
        failed.set()
        raise MemoryError("canary")

    office.on_conclude = fail
    office.reporter.start()
    office.put("first")
    assert failed.wait(LONG)
    office.put("second")

    assert office.hear() == ("concluded", ["second"])
    assert ("canary" in caplog.text, "mails not concluded" in caplog.text) == (False, True)
