"""Whether a dot is out is decided by what the kernel took, to the byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import Phase
from tasks.deadline import Deadline
from tasks.envelope import Encoded, Envelope
from tasks.failures import Receipt, TransientFailure, Unconfirmed
from tasks.smtp.conversation import Conversation
from tasks.smtp.extensions import Extensions
from tasks.smtp.session import Session
from tasks.smtp.submission import Submission
from tasks.smtp.supply import Line, Supply
from tasks.smtp.wire import Wire
from tests.unit.tasks.smtp.conftest import ScriptedSocket

if TYPE_CHECKING:
    from tasks.smtp.job import Job
    from tasks.smtp.route import Route

ENVELOPE = b"MAIL FROM:<desk@example.com>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n"
CONTENT = b"Subject: x\r\n\r\nbody\r\n"
FILE = Encoded((b"e" * 48 + b"\r\n") * 2000)
TAIL = b"ab\r\n"
GO_AHEAD = b"250 ok\r\n250 ok\r\n354 go on\r\n"


@dataclass
class Breaking(ScriptedSocket):
    """Takes *capacity* bytes, and breaks at the next; gives a piece for each send, an empty one any time."""

    capacity: int = 0
    unanswered: int = 0
    is_broken: bool = False

    def send(self, data: bytes) -> int:
        self.is_broken = not self.capacity
        if self.is_broken:
            raise BrokenPipeError(32, "Broken pipe")
        taken = super().send(data[: self.capacity])
        self.capacity -= taken
        self.unanswered += 1
        return taken

    def recv(self, size: int) -> bytes:
        if not (self.is_broken or self.pieces[:1] == [b""] or (self.unanswered and self.pieces)):
            raise BlockingIOError
        self.unanswered = 0
        return super().recv(size)


def carry(route: Route, connection: Breaking, *, count: int = 1, files: tuple[bytes, ...] = ()) -> list[Job]:
    extensions = Extensions({"PIPELINING": ()})
    session = Session(route, Wire(connection), extensions)
    envelope = Envelope("desk@example.com", ("ann@example.com",), CONTENT, files=files)
    run = [Submission(f"mail-{i}", envelope, Deadline.after(5)) for i in range(count)]
    waiting = Line(Supply(run))
    Conversation(session, waiting, lambda run: [True] * len(run), most_mails=100).carry()
    assert connection.is_closed
    return waiting.jobs


@pytest.mark.parametrize("taken", [0, 1, len(CONTENT)], ids=["nothing", "one byte", "all before the dot"])
def test_a_break_before_the_dot_sent_nothing(route: Route, taken: int) -> None:
    (job,) = carry(route, Breaking([GO_AHEAD], capacity=len(ENVELOPE) + taken))

    assert isinstance(job.answer, TransientFailure)
    assert job.answer.phase is Phase.DATA


@pytest.mark.parametrize("taken", [1, 2, 3], ids=["the dot", "its CR", "its LF"])
def test_a_break_from_the_dot_on_leaves_the_outcome_open(route: Route, taken: int) -> None:
    (job,) = carry(route, Breaking([GO_AHEAD], capacity=len(ENVELOPE + CONTENT) + taken))

    assert isinstance(job.answer, Unconfirmed)


@pytest.mark.parametrize("taken", [1, 50_000, 100_004], ids=["head", "file", "all before the dot"])
def test_a_break_in_a_mail_with_a_file_sent_nothing(route: Route, taken: int) -> None:
    connection = Breaking([GO_AHEAD], capacity=len(ENVELOPE + CONTENT) + taken)
    (job,) = carry(route, connection, files=(FILE, TAIL))

    assert isinstance(job.answer, TransientFailure)
    assert job.answer.phase is Phase.DATA


@pytest.mark.parametrize("more", [1, 3], ids=["the dot", "its LF"])
def test_a_break_from_the_dot_behind_a_file_on_leaves_the_outcome_open(route: Route, more: int) -> None:
    connection = Breaking([GO_AHEAD], capacity=len(ENVELOPE + CONTENT + FILE + TAIL) + more)
    (job,) = carry(route, connection, files=(FILE, TAIL))

    assert isinstance(job.answer, Unconfirmed)
    assert connection.sent == (ENVELOPE + CONTENT + FILE + TAIL + b".\r\n")[: len(connection.sent)]


def test_a_break_behind_the_dot_does_not_hide_its_reply(route: Route) -> None:
    connection = Breaking([GO_AHEAD, b"250 2.0.0 queued\r\n"], capacity=len(ENVELOPE + CONTENT) + 3 + 5)
    first, second = carry(route, connection, count=2)

    assert isinstance(first.answer, Receipt)
    assert second.answer is None
    assert second.is_replayed


def test_a_break_in_the_envelope_is_told_with_its_phase(route: Route) -> None:
    (job,) = carry(route, Breaking([b"250 ok\r\n", b""], capacity=10_000))

    assert isinstance(job.answer, TransientFailure)
    assert job.answer.phase is Phase.RCPT
