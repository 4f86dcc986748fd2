"""When a process that could not be started is tried again."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from worker.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.programs import Running


class Unstartable:
    name = "unstartable"

    def __init__(self, number: int) -> None:
        self._number = number

    def start(self, environment: Mapping[str, str]) -> Running:
        assert environment["POSTROOM_PROCESS"] == "1"
        raise OSError(self._number, "why")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM])
def test_a_process_without_room_is_started_again(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Kept(Unstartable(number))
    kept.attend()

    assert (kept.is_running, kept.code) == (False, None)
    assert kept.due
    assert "unstartable 1: exited with code 71; starting again in 1 s" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, 126), (errno.ENOENT, 127)])
def test_what_cannot_be_run_at_all_is_given_up(number: int, code: int) -> None:
    kept = Kept(Unstartable(number))
    kept.attend()

    assert (kept.code, kept.due) == (code, None)
