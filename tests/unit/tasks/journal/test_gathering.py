"""Steps that fibers take at the same moment go together, and each fiber gets its own answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError

from tasks.journal.copies import NO_COPY
from tasks.journal.gathering import Gathering
from tasks.journal.scripts import Call
from tests.fibers import carry

if TYPE_CHECKING:
    from tasks.journal.copies import Copy

COPY: Copy = ("prefix", 60, "now")


def step(name: str) -> Call:
    return Call((name,), ())


class Journal:
    """Answers each step with its name, but for those that it is told to refuse."""

    def __init__(self, *, away: bool = False, refuses: str = "") -> None:
        self.commands: list[tuple[list[str], Copy]] = []
        self._away = away
        self._refuses = refuses

    def send(self, steps: list[Call], copy: Copy) -> list[Any]:
        names = [step.keys[0] for step in steps]
        self.commands.append((names, copy))
        if self._away:
            raise RedisAway
        if self._refuses in names:
            raise ResponseError(self._refuses)
        return names


def test_fibers_that_ask_at_the_same_moment_share_a_command() -> None:
    journal, heard = Journal(), {}
    gathering = Gathering(journal.send)

    def ask(*names: str, copy: Copy = NO_COPY) -> None:
        heard[names] = gathering([step(name) for name in names], copy)

    carry(lambda: ask("a"), lambda: ask("b", "c", copy=COPY), lambda: ask("d"))

    assert journal.commands == [(["a", "b", "c", "d"], COPY)]
    assert heard == {("a",): ["a"], ("b", "c"): ["b", "c"], ("d",): ["d"]}


def test_one_who_asks_again_shares_the_next_command() -> None:
    journal = Journal()
    gathering = Gathering(journal.send)

    def ask(name: str) -> None:
        for turn in ("1", "2"):
            assert gathering([step(name + turn)], NO_COPY) == [name + turn]

    carry(lambda: ask("a"), lambda: ask("b"))

    assert [names for names, _ in journal.commands] == [["a1", "b1"], ["a2", "b2"]]


def test_four_do_not_wait_for_those_who_come_later() -> None:
    journal = Journal()
    gathering = Gathering(journal.send)

    carry(*[lambda name=name: gathering([step(name)], NO_COPY) for name in "abcdef"])

    assert [names for names, _ in journal.commands] == [["a", "b", "c", "d"], ["e", "f"]]


@pytest.mark.parametrize("fibers", range(1, 10))
def test_whoever_asks_again_and_again_is_answered_once_each_time(fibers: int) -> None:
    journal = Journal()
    gathering = Gathering(journal.send)
    asked = [f"{fiber} {turn}" for fiber in range(fibers) for turn in range(5)]

    def ask(fiber: int) -> None:
        for turn in range(5):
            assert gathering([step(f"{fiber} {turn}")], NO_COPY) == [f"{fiber} {turn}"]

    carry(*[lambda fiber=fiber: ask(fiber) for fiber in range(fibers)])

    assert sorted(name for names, _ in journal.commands for name in names) == asked
    assert max(len(names) for names, _ in journal.commands) == min(fibers, 4)


def test_a_step_that_is_refused_costs_no_other() -> None:
    journal = Journal(refuses="bad")
    gathering = Gathering(journal.send)
    heard: dict[str, Any] = {}

    def ask(name: str) -> None:
        try:
            heard[name] = gathering([step(name)], NO_COPY)
        except ResponseError as error:
            heard[name] = str(error)

    carry(lambda: ask("a"), lambda: ask("bad"), lambda: ask("b"))

    assert heard == {"a": ["a"], "bad": "bad", "b": ["b"]}


def test_while_the_journal_is_away_each_hears_of_it_and_asks_no_more() -> None:
    journal = Journal(away=True)
    gathering = Gathering(journal.send)
    heard: list[str] = []

    def ask(name: str) -> None:
        with pytest.raises(RedisAway):
            gathering([step(name)], NO_COPY)
        heard.append(name)

    carry(lambda: ask("a"), lambda: ask("b"))

    assert sorted(heard) == ["a", "b"]
    assert len(journal.commands) == 1


def test_without_a_loop_nobody_waits_for_others() -> None:
    journal = Journal()

    assert Gathering(journal.send)([step("a")], COPY) == ["a"]
    assert journal.commands == [(["a"], COPY)]
