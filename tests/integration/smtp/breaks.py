"""Where a session may break, and what may come instead of a reply."""

from __future__ import annotations

from tasks.contract.codes import Phase
from tasks.testing.actions import Send

GARBAGE = {
    "no number": Send(b"banana\r\n"),
    "letter in the number": Send(b"22O fine\r\n"),
    "code out of range": Send(b"999 fine\r\n"),
    "code too low": Send(b"199 fine\r\n"),
    "long line": Send(b"250 " + b"x" * 20_000 + b"\r\n"),
    "64 KiB of binary": Send(bytes(range(256)) * 256),
    "NULs": Send(b"\0" * 20 + b"\r\n"),
    "never a line end": Send(b"x" * 9_000),
    "empty line": Send(b"\r\n"),
}
# Where in a session, by the script's step, and the phase that a failure there names.
BEFORE_THE_DOT = {
    "banner": Phase.CONNECT,
    "ehlo": Phase.CONNECT,
    "mail": Phase.MAIL,
    "rcpt": Phase.RCPT,
    "data": Phase.DATA,
}
