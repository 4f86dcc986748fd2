"""Encoded words: text beyond ASCII in a header (RFC 2047)."""

from __future__ import annotations

import binascii
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Characters that stand for themselves in a Q-encoded word inside a phrase (RFC 2047, section 5, rule 3).
_PLAIN = frozenset(string.ascii_letters + string.digits + "!*+-/")

#: Encoded characters in one word, so that "Reply-To: " and a whole word fit into a line of 76 (section 2).
_ROOM = 48


def encoded_words(text: str) -> list[str]:
    """
    Return *text* as encoded words in UTF-8; decoders drop the white space that will stand between them.

    A word never ends inside a character (section 5), and the shorter of the B and Q encodings is taken, so
    that mostly Latin text stays legible in the source.
    """
    if sum(map(_q_cost, text)) <= sum(map(_b_cost, text)) * 4 / 3:
        return [f"=?utf-8?q?{_q(piece)}?=" for piece in pieces(text, _q_cost, _ROOM)]
    return [f"=?utf-8?b?{_b(piece)}?=" for piece in pieces(text, _b_cost, _ROOM * 3 // 4)]


def pieces(text: str, cost: Callable[[str], int], room: int) -> Iterator[str]:
    """Yield *text* in pieces of whole characters, each of which has *cost*; none needs more than *room*."""
    start = used = 0
    for index, character in enumerate(text):
        needed = cost(character)
        if used + needed > room:
            yield text[start:index]
            start, used = index, 0
        used += needed
    yield text[start:]


def _b_cost(character: str) -> int:
    return len(character.encode())


def _q_cost(character: str) -> int:
    return 1 if character in _PLAIN or character == " " else 3 * len(character.encode())


def _b(piece: str) -> str:
    return binascii.b2a_base64(piece.encode(), newline=False).decode("ascii")


def _q(piece: str) -> str:
    return "".join(_q_character(character) for character in piece)


def _q_character(character: str) -> str:
    if character == " ":
        return "_"
    if character in _PLAIN:
        return character
    return "".join(f"={byte:02X}" for byte in character.encode())
