"""What a server's reply means: its class in each phase, its enhanced status, the hints in its text."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, NamedTuple

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Reply

#: Characters of a reply's text that are kept.
LONGEST_TEXT: Final = 500

_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
_ADDRESS: Final = re.compile(r"([^\s<>()\[\]:;,\"'@])[^\s<>()\[\]:;,\"'@]*@([\w.-]+\w)")
_TOO_MANY_STATUS: Final = frozenset({"4.5.3", "5.5.3"})
_TOO_MANY_CODES: Final = frozenset({450, 451, 452, 550, 552, 554})
_SERVICE_CLOSING: Final = 421
_OF_THE_CONNECTION: Final = re.compile(rb"\b(?:connection|session)\b", re.IGNORECASE)


class Verdict(Enum):
    """What a reply code means in the phase in which it came."""

    ACCEPTED = auto()
    CONTINUE = auto()
    """The server waits for more: 334 in a login, 354 for the content."""
    TRANSIENT = auto()
    PERMANENT = auto()
    NONSENSE = auto()
    """No server may answer so here: before the dot nothing was sent, at the dot the outcome is unknown."""


_NEGATIVE: Final = {4: Verdict.TRANSIENT, 5: Verdict.PERMANENT}
_COMMAND: Final = {2: Verdict.ACCEPTED, **_NEGATIVE}

#: What each class of reply means in each phase (RFC 5321, section 4.2.1; RFC 4954, section 4).
MEANING: Final = {
    Phase.CONNECT: _COMMAND,
    Phase.TLS: _COMMAND,
    Phase.AUTH: {**_COMMAND, 3: Verdict.CONTINUE},
    Phase.MAIL: _COMMAND,
    Phase.RCPT: _COMMAND,
    Phase.DATA: {3: Verdict.CONTINUE, **_NEGATIVE},
    Phase.FINAL: _COMMAND,
}


class RawReply(NamedTuple):
    """A reply as it came: its code, and its lines without code and line end."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def is_accepting(self) -> bool:
        """Whether it is a positive completion (2yz); which of them, no client need care (RFC 5321, 4.2.1)."""
        return self.code // 100 == 2  # noqa: PLR2004  # the class 2yz

    @property
    def goes_ahead(self) -> bool:
        """Whether the server waits for more, as 354 says of the content (3yz)."""
        return self.code // 100 == 3  # noqa: PLR2004  # the class 3yz

    @property
    def closes(self) -> bool:
        """Whether the server says that it closes the connection (RFC 5321, section 3.8)."""
        return self.code == _SERVICE_CLOSING


def meaning(raw: RawReply, phase: Phase) -> Verdict:
    """Return what *raw* means in *phase*."""
    if phase is Phase.RCPT and _is_552_for_452(raw):
        return Verdict.TRANSIENT
    return MEANING[phase].get(raw.code // 100, Verdict.NONSENSE)


def read(raw: RawReply) -> Reply:
    """Return *raw* as one line of clean text, its enhanced status apart (RFC 2034)."""
    status: str | None = None
    texts: list[str] = []
    for line in raw.lines:
        text = _decode(line)
        if found := _ENHANCED.match(text):
            status = status or found[1]
            text = text[found.end() :]
        texts.append(text)
    return Reply(raw.code, clean(" ".join(texts)), status)


def clean(text: str) -> str:
    """Return *text* on one printable line of bounded length, addresses masked."""
    printable = text[: 4 * LONGEST_TEXT]
    if not printable.isprintable():
        printable = "".join(char if char.isprintable() else " " for char in printable)
    line = " ".join(printable.split())
    if "@" in line:
        line = _ADDRESS.sub(r"\1***@\2", line)
    return line[:LONGEST_TEXT].rstrip()


def is_too_many_recipients(reply: Reply) -> bool:
    """
    Whether *reply* to RCPT says that the mail has enough recipients and the rest may follow in the next one.

    True for the server's 452 (RFC 5321, section 4.5.3.1.10) and for those that were held back since the
    server had announced its limit (RFC 9422).
    """
    if reply.enhanced_status in _TOO_MANY_STATUS:
        return True
    return reply.code in _TOO_MANY_CODES and "too many recipients" in reply.text.lower()


def is_about_connection(raw: RawReply) -> bool:
    """Whether *raw* is a 4yz that speaks of the connection, which had mails enough, rather than of a mail."""
    return raw.code // 100 == 4 and any(map(_OF_THE_CONNECTION.search, raw.lines))  # noqa: PLR2004  # 4yz


def is_temporary(reply: Reply) -> bool:
    """Whether the recipient that got *reply* may be accepted later."""
    return reply.code // 100 == 4 or is_too_many_recipients(reply)  # noqa: PLR2004  # the class 4yz


def over_announced_limit(limit: int) -> Reply:
    """Return the verdict for a recipient that a server announcing *limit* recipients a mail is not asked."""
    return Reply(LocalCode.POLICY, f"The server announces at most {limit} recipients a mail.", "4.5.3")


def _is_552_for_452(raw: RawReply) -> bool:
    """Whether this is the old code for too many recipients, which means 452 (RFC 5321, 4.5.3.1.10)."""
    return raw.code == 552 and is_too_many_recipients(read(raw))  # noqa: PLR2004  # the RFC's number


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
