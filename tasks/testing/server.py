"""An SMTP server on loopback that does what a script says: for tests of whatever sends mail."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.testing.channel import Channel
from tasks.testing.dialogue import Dialogue
from tasks.testing.offer import Offer
from tasks.testing.record import Record
from tasks.testing.script import Play, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from tasks.testing.record import LoginAttempt, Mail

_LONGEST_STOP: Final = 5.0


class ScriptedServer:
    """
    A real server on 127.0.0.1, on a port of its own, for the time of a `with` block.

    It takes every mail unless *script* says otherwise. The steps of one script are counted over all
    connections; of a sequence of scripts each connection follows its own, later ones the last, and counts for
    itself.
    """

    def __init__(
        self,
        script: Script | Sequence[Script] = Script(),  # noqa: B008  # a frozen value
        offer: Offer = Offer(),  # noqa: B008  # a frozen value
    ) -> None:
        self._offer = offer
        self._scripts = () if isinstance(script, Script) else tuple(script)
        self._play = Play(script) if isinstance(script, Script) else None
        self._record = Record()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(0.01)
        self.host = "127.0.0.1"
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off every connection and stop listening."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_LONGEST_STOP)
        self._listener.close()

    @property
    def dots(self) -> list[Mail]:
        """The mails whose final dot came, whatever was answered to it."""
        return list(self._record.dots)

    @property
    def mails(self) -> list[Mail]:
        """The mails that were accepted."""
        return [mail for mail in self._record.dots if mail.is_accepted]

    @property
    def logins(self) -> list[LoginAttempt]:
        """The logins that were tried."""
        return list(self._record.logins)

    @property
    def transcripts(self) -> list[list[str]]:
        """The commands of each connection, in order."""
        return [list(transcript) for transcript in self._record.transcripts]

    @property
    def commands(self) -> list[str]:
        """The commands of all connections."""
        return [command for transcript in self.transcripts for command in transcript]

    @property
    def ahead(self) -> int:
        """How many commands came before the reply to the last one although PIPELINING was not announced."""
        return self._record.ahead

    def count(self, verb: str) -> int:
        """Return how many commands began with *verb*."""
        return sum(command.upper().startswith(verb) for command in self.commands)

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                channel = Channel(connection, self._stopping)
                self._spawn(Dialogue(channel, self._next_play(), self._offer, self._record).run)

    def _next_play(self) -> Play:
        if self._play:
            return self._play
        return Play(self._scripts[min(len(self._record.transcripts), len(self._scripts) - 1)])
