"""What a scripted server saw."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail whose final dot came: what it was, and the code of the answer (None where none was given)."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    parameters: tuple[str, ...] = ()
    code: int | None = None
    connection: int = 0

    @property
    def is_accepted(self) -> bool:
        """Whether the server took responsibility for it."""
        return self.code is not None and self.code // 100 == 2  # noqa: PLR2004  # the class 2yz


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A login that was tried."""

    mechanism: str
    user_name: str
    secret: str = field(repr=False)
    was_encrypted: bool = False


@dataclass(slots=True)
class Record:
    """
    Everything in the order in which it came.

    *transcripts* hold the commands of each connection, of AUTH the mechanism only. *dots* are the mails whose
    final dot came, accepted or not. *ahead* counts commands that a client sent before the reply to the last
    one although PIPELINING was not announced.
    """

    transcripts: list[list[str]] = field(default_factory=list)
    dots: list[Mail] = field(default_factory=list)
    logins: list[LoginAttempt] = field(default_factory=list)
    ahead: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def connect(self) -> int:
        """Begin the transcript of a connection and return its number."""
        with self.lock:
            self.transcripts.append([])
            return len(self.transcripts) - 1
