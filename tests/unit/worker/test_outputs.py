"""Output streams that lose what nobody takes."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from worker.outputs import lose_rather_than_fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def output(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a file descriptor this process's standard output and error, for a while."""
    with open(descriptor, "w", encoding="utf-8", closefd=False) as stream, monkeypatch.context() as patch:
        for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
            patch.setattr(sys, name, stream)
        lose_rather_than_fail()
        yield


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("broken", [closed_pipe, full_disk])
@pytest.mark.parametrize("name", ["stdout", "stderr", "__stdout__", "__stderr__"])
def test_what_nobody_takes_is_lost(
    broken: Callable[[], int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = broken()
    with output(descriptor, monkeypatch):
        stream = getattr(sys, name)
        written = [stream.write(line) for line in ("one\n", "two\n")]
        stream.flush()
        stream.close()
    os.close(descriptor)

    assert written == [4, 4]


def test_what_is_taken_arrives_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    with output(writer, monkeypatch):
        sys.stdout.write("für\n")
        arrived = os.read(reader, 100)
        is_same_file = sys.stdout.fileno() == writer
        sys.stdout.close()
        sys.stderr.close()
    os.fstat(writer)  # Raises where closing the stream has closed the descriptor, too.
    os.close(reader)
    os.close(writer)

    assert arrived.decode() == "für\n"
    assert is_same_file


def test_streams_without_a_descriptor_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    lose_rather_than_fail()

    assert sys.stdout is before
    assert capsys.readouterr().out == ""
