"""What ended is concluded in groups, none of it late."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tasks import loops
from tasks.delivery.job import PutBack, Settled
from worker.dispatch import counter as module
from worker.dispatch.counter import Counter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from worker.dispatch.items import Outcome


class Tray:
    """Keeps what the consumer is to do."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def put(self, call: Callable[[], object]) -> None:
        self.calls.append(call)

    def empty(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


@pytest.fixture
def tray() -> Tray:
    return Tray()


@pytest.fixture
def concluded(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    groups: list[list[Any]] = []

    def conclude(outcomes: Sequence[Any]) -> None:
        groups.append(list(outcomes))

    monkeypatch.setattr(module, "conclude", conclude)
    return groups


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Any], float]]:
    groups: list[tuple[list[Any], float]] = []

    def accept(requests: list[Any], moment: float) -> None:
        groups.append((requests, moment))

    monkeypatch.setattr(module, "accept", accept)
    return groups


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [100.0]
    monkeypatch.setattr("worker.dispatch.counter.time.monotonic", lambda: moment[0])
    return moment


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """Makes the test's thread that of the senders."""
    senders: Any = object()
    loops.enter(senders)
    yield
    loops.enter(None)


@pytest.fixture
def counter(tray: Any) -> Counter:
    desk: Any = None
    return Counter(desk, tray)


def outcome(*, is_stored: bool = True) -> Outcome:
    result: Any = SimpleNamespace(code=250)
    ended: Any = SimpleNamespace(verdict=Settled(result, is_stored=is_stored))
    return ended  # type: ignore[no-any-return]  # all that is looked at


def errand(request: str) -> Any:
    return SimpleNamespace(request=request)


def test_what_ended_waits_a_moment_for_others(
    counter: Counter, tray: Tray, concluded: list[list[Any]], now: list[float]
) -> None:
    first, second = outcome(), outcome()
    assert counter.note_due() is None
    counter.done(first)
    assert tray.calls == []
    assert counter.note_due() == pytest.approx(0.005)
    now[0] += 0.003
    counter.done(second)
    assert counter.note_due() == pytest.approx(0.002)
    now[0] += 0.002
    assert counter.note_due() is None
    tray.empty()

    assert concluded == [[first, second]]
    assert counter.note_due() is None


def test_what_began_wakes_nobody_and_is_noted_soon(
    counter: Counter, tray: Tray, accepted: list[tuple[list[Any], float]], now: list[float]
) -> None:
    """The interpreter belongs to the mail that was just begun."""
    counter.accepted([errand("a"), errand("b")])
    assert (tray.calls, counter.note_due()) == ([], pytest.approx(0.005))
    now[0] += 0.004
    counter.accepted([errand("c")])
    now[0] += 0.001
    assert counter.note_due() is None
    tray.empty()

    assert accepted == [(["a", "b"], 100.0), (["c"], 100.004)]
    assert counter.note_due() is None


def test_what_began_is_noted_before_its_end(
    counter: Counter, tray: Tray, accepted: list[Any], concluded: list[list[Any]], now: list[float]
) -> None:
    counter.accepted([errand("a")])
    counter.done(outcome())
    now[0] += 0.006
    counter.note_due()
    [call] = tray.calls
    assert (accepted, concluded) == ([], [])
    call()

    assert accepted == [(["a"], 100.0)]
    assert len(concluded) == 1


def test_what_cannot_be_noted_keeps_nothing_from_being_concluded(
    counter: Counter, tray: Tray, concluded: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(module, "accept", accept)
    counter.accepted([errand("a")])
    counter.conclude([ended := outcome()])
    with pytest.raises(RuntimeError):
        tray.empty()

    assert concluded == [[ended]]


def test_what_began_is_noted_before_it_is_given_back(
    counter: Counter, tray: Tray, accepted: list[tuple[list[Any], float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noted afterwards, it would be shown as being carried for ever."""
    noted_before: list[int] = []
    monkeypatch.setattr(module, "put_back", lambda _: noted_before.append(len(accepted)))
    counter.accepted([errand("a")])
    counter.put_back([outcome(is_stored=False)])
    assert noted_before == []
    tray.empty()

    assert noted_before == [1]


def test_what_is_all_that_there_is_goes_to_the_desk_at_once(tray: Any) -> None:
    put: list[Any] = []
    desk: Any = SimpleNamespace(put=put.append)
    counter = Counter(desk, tray)
    counter.take([errand("a")])
    assert put == []
    counter.take_all([errand("b"), errand("c")])

    assert [[item.request for item in items] for items in put] == [["a", "b", "c"]]


def test_many_wait_for_no_more(counter: Counter, tray: Tray, concluded: list[list[Any]]) -> None:
    many = [outcome() for _ in range(40)]
    for one in many:
        counter.done(one)
    assert len(tray.calls) == 1, "the consumer is woken once"
    tray.empty()

    assert concluded == [many]


def test_what_another_thread_than_the_senders_settles_waits_for_nothing(
    counter: Counter, tray: Tray, concluded: list[list[Any]]
) -> None:
    """Their loop may rest for as long as a server is silent, and nobody would call in time."""
    waiting, settled = outcome(), outcome()
    counter.done(waiting)
    thread = threading.Thread(target=counter.done, args=(settled,))
    thread.start()
    thread.join()
    assert len(tray.calls) == 1
    tray.empty()

    assert concluded == [[waiting, settled]]


def test_what_ends_after_the_consumer_was_called_is_not_forgotten(
    counter: Counter, tray: Tray, concluded: list[list[Any]], now: list[float]
) -> None:
    for _ in range(32):
        counter.done(outcome())
    tray.empty()
    late = outcome()
    counter.done(late)
    now[0] += 0.01
    counter.note_due()
    tray.empty()

    assert concluded[1] == [late]


def test_at_the_end_nothing_waits(counter: Counter, tray: Tray, concluded: list[list[Any]]) -> None:
    before, after = outcome(), outcome()
    counter.done(before)
    counter.is_closing = True
    counter.done(after)

    assert len(tray.calls) == 1
    assert concluded == []


def test_what_is_not_stored_yet_is_reported(counter: Counter, tray: Tray) -> None:
    reported: list[Any] = []
    counter.report = reported.append
    again: Any = SimpleNamespace(verdict=PutBack(451, "later", 9.0))
    counter.done(unstored := outcome(is_stored=False))
    counter.done(again)

    assert reported == [unstored, again]
    assert tray.calls == []
