"""A connection over which mails can be sent: greeted, secured and logged in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import Phase
from tasks.deadline import Deadline
from tasks.smtp.extensions import Extensions
from tasks.smtp.faults import BREAKS
from tasks.smtp.replies import Verdict, meaning
from tasks.smtp.wire import ConnectionLost, ProtocolError

if TYPE_CHECKING:
    from tasks.smtp.login import Mechanism
    from tasks.smtp.replies import RawReply
    from tasks.smtp.route import Route
    from tasks.smtp.wire import Wire

#: Seconds that QUIT may take; its answer can change nothing, but a server that gets to say it logs no break.
LONGEST_QUIT: Final = 0.2


@dataclass(slots=True)
class Session:
    """
    One SMTP session and what is known of it.

    *mails* counts the transactions that reached their end, *accepted* those that the server took;
    *needs_reset* says that it still holds recipients of one that it did not; *opened_at* and *idle_since* are
    moments on the pool's clock.
    """

    route: Route
    wire: Wire
    extensions: Extensions = field(default_factory=lambda: Extensions({}))
    mechanism: Mechanism | None = None
    opened_at: float = 0.0
    idle_since: float = 0.0
    mails: int = 0
    accepted: int = 0
    is_open: bool = True
    is_reused: bool = False
    needs_reset: bool = False

    @property
    def pipelines(self) -> bool:
        """Whether commands may be sent without waiting for each reply (RFC 2920)."""
        return "PIPELINING" in self.extensions.keywords

    def command(self, line: bytes, deadline: Deadline) -> RawReply:
        """
        Send one command line and read its reply.

        Raises:
            OSError: the connection broke, or the deadline passed.
            ProtocolError: the reply is none, or one came before the command.

        """
        self.expect_silence(deadline)
        self.wire.send(line + b"\r\n", deadline)
        return self.wire.receive(deadline)

    def expect_silence(self, deadline: Deadline) -> None:
        """
        Make sure that replies and commands still pair: the server has said nothing unasked.

        Raises:
            ConnectionLost: it closes the connection, with its 421 where it sent one.
            ProtocolError: it answers what it was not asked; the answer is its *last_words*.

        """
        if self.wire.has_unread():
            raw = self.wire.receive(deadline)
            if raw.closes:
                raise ConnectionLost("the server closes the connection", last_words=raw)
            raise ProtocolError("The server answered before it was asked.", last_words=raw)

    def reset(self, deadline: Deadline) -> bool:
        """Make the server forget an unfinished transaction (RSET); whether the session can go on."""
        try:
            accepted = meaning(self.command(b"RSET", deadline), Phase.MAIL) is Verdict.ACCEPTED
        except BREAKS:
            return False
        self.needs_reset = False
        return accepted

    def abort(self) -> None:
        """Close at once: what the server has of a transaction must not be taken for a mail."""
        self.is_open = False
        self.wire.close()

    def quit(self) -> None:
        """Say QUIT and close; never raises."""
        with suppress(*BREAKS):
            deadline = Deadline.after(LONGEST_QUIT)
            self.wire.send(b"QUIT\r\n", deadline)
            self.wire.receive(deadline)
        self.abort()
