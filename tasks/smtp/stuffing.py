"""Content on the wire: nothing in it can end the mail, and what is large goes out before the dot may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.envelope import Encoded
from tasks.failures import PermanentFailure, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

# Contents up to here go out in one write with their dot; larger ones before the mark, so that a lease that
# was lost meanwhile is noticed.
_SMALL: Final = 64 * 1024
_LINE_WITH_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


def stuffed(pieces: Iterable[bytes]) -> tuple[tuple[bytes, ...], bytes]:
    """
    Return *pieces*, which each end a line, with their dots stuffed (RFC 5321, 4.5.2), in two parts.

    The first are to be sent before it is asked whether the dot may; the second goes out with it.

    Raises:
        PermanentFailure: something in them could be read as the end of the mail and the start of another.
    """
    written = [piece if isinstance(piece, Encoded) else _stuffed(piece) for piece in pieces]
    if sum(map(len, written)) <= _SMALL:
        return (), b"".join(written)
    last = written.pop() if len(written[-1]) <= _SMALL else b""
    return tuple(written), last


def _stuffed(piece: bytes) -> bytes:
    _check_lines(piece)
    if piece.startswith(b".") or b"\n." in piece:
        piece = _LINE_WITH_DOT.sub(b"..", piece)
    return piece if piece.endswith(b"\r\n") else piece + b"\r\n"


def _check_lines(piece: bytes) -> None:
    # As sure as a pattern, in a twentieth of its time.
    rest = piece.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest or b"\0" in rest:
        text = "The content holds a NUL, or a CR or LF that stands alone."
        raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, text))
