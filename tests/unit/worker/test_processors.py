"""Processes are spread over processors where each gets as many of them, and nowhere else."""

from __future__ import annotations

import os
import sys

import pytest

from worker.processors import spread

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems choose themselves")


class Machine:
    """Processors as the system shows them to one process, which starts where it may use *usable*."""

    def __init__(self, *usable: int) -> None:
        self.usable = set(usable)
        self.is_strict = False

    def get(self, _pid: int) -> set[int]:
        return set(self.usable)

    def set(self, _pid: int, processors: set[int]) -> None:
        if self.is_strict:
            raise PermissionError("not permitted")
        self.usable = set(processors)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(4, 2)
    monkeypatch.setattr(os, "sched_getaffinity", machine.get)
    monkeypatch.setattr(os, "sched_setaffinity", machine.set)
    return machine


def chosen(machine: Machine, processes: int) -> list[tuple[int | None, set[int]]]:
    """Return what each process is told, and where it would start."""
    found = []
    for number in range(1, processes + 1):
        with spread(number, processes) as processor:
            found.append((processor, set(machine.usable)))
    return found


def test_as_many_processes_as_processors_have_one_each(machine: Machine) -> None:
    assert chosen(machine, 2) == [(2, {2}), (4, {4})]


def test_a_multiple_of_them_shares_evenly(machine: Machine) -> None:
    assert [processor for processor, _ in chosen(machine, 4)] == [2, 4, 2, 4]


@pytest.mark.parametrize("processes", [1, 3])
def test_others_run_wherever_the_system_likes(machine: Machine, processes: int) -> None:
    """Two on one processor and one on the other would not have the same of the machine."""
    assert chosen(machine, processes) == [(None, {2, 4})] * processes


def test_with_one_processor_there_is_nothing_to_choose(machine: Machine) -> None:
    machine.usable = {4}

    assert chosen(machine, 2) == [(None, {4})] * 2


def test_a_system_that_refuses_is_left_to_choose(machine: Machine) -> None:
    machine.is_strict = True

    assert chosen(machine, 2) == [(None, {2, 4})] * 2


def test_whoever_starts_them_goes_on_where_it_was_even_if_one_cannot_be_started(machine: Machine) -> None:
    with pytest.raises(FileNotFoundError), spread(1, 2):
        raise FileNotFoundError

    assert machine.usable == {2, 4}
