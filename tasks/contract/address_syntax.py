"""Where one address ends and the next begins, and which part of it is the name (RFC 5322, section 3.4)."""

from __future__ import annotations

import re
from enum import Enum, auto
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.contract.errors import Refused, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SEPARATE: Final = "separate addresses with ';'"
_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
#: `"Jane Doe" <jane@x.com>` and `Jane Doe <jane@x.com>`, which need no scanning.
_SIMPLE: Final = re.compile(r'(?:"([^"\\]*)" *|([^"\\()<>,:;@]*))<([^"\\()<>@ ][^"\\()<>]*)>')
_ENCLOSING: Final = re.compile('["(<]')
_SPACES: Final = re.compile(" +")


class _Place(Enum):
    """What a character of an address list belongs to; quotes and brackets belong to what they enclose."""

    TEXT = auto()
    QUOTED = auto()
    COMMENT = auto()
    ANGLE = auto()


_Mark = tuple[str, _Place]


class Parts(NamedTuple):
    """An entry of an address list, taken apart but not yet judged."""

    display_name: str
    addr_spec: str


def split(text: str) -> list[str]:
    """
    Split an address list at each ';' that is in no quotes, comment or angle brackets.

    Raises:
        Refused: one of those is not closed.

    """
    if not _ENCLOSING.search(text):
        return text.split(";")
    entries = [""]
    for character, place in _scan(text):
        if character == ";" and place is _Place.TEXT:
            entries.append("")
        else:
            entries[-1] += character
    return entries


def take_apart_simple(entry: str) -> Parts | None:
    """Return what `take_apart` returns for an entry of the two usual forms, and None for all others."""
    found = _SIMPLE.fullmatch(entry)
    if found is None:
        return None
    return Parts(_SPACES.sub(" ", found[1] or found[2] or "").strip(" "), found[3].strip(" "))


def take_apart(entry: str) -> Parts:
    """
    Return the display name and the addr-spec of one entry, without its comments.

    Raises:
        Refused: it is a group, a source route or several addresses, or something is not closed.

    """
    runs = [
        (place, "".join(character for character, _ in marks))
        for place, marks in groupby(_without_comments(entry), key=lambda mark: mark[1])
    ]
    plain = "".join(text for place, text in runs if place is _Place.TEXT)
    if ":" in plain.partition("[")[0]:
        raise refusal("is a group or has a colon", "list the addresses, or put the name in double quotes")
    angles = [index for index, (place, _) in enumerate(runs) if place is _Place.ANGLE]
    if not angles:
        return Parts("", _bare("".join(text for _, text in runs).strip(" "), plain))
    return _named(runs, angles, plain)


def unescape(text: str) -> str:
    r"""Return the content of a quoted string without its backslashes (`\"` and `\\`)."""
    return _PAIR.sub(r"\1", text)


def _bare(text: str, plain: str) -> str:
    if "," in plain and "@" in plain:
        raise refusal("has a comma", _SEPARATE)
    return text


def _named(runs: Sequence[tuple[_Place, str]], angles: Sequence[int], plain: str) -> Parts:
    before = "".join(text for _, text in runs[: angles[0]])
    after = "".join(text for _, text in runs[angles[0] + 1 :]).strip(" ")
    if after or ("," in plain and "@" in plain):
        raise refusal("has more than one address", _SEPARATE)
    addr_spec = runs[angles[0]][1][1:-1].strip(" ")
    if addr_spec.startswith("@"):
        raise refusal("has a source route", "give the address alone")
    return Parts(_display_name(before), addr_spec)


def _display_name(text: str) -> str:
    name = _QUOTED.sub(lambda found: unescape(found[1]), text)
    return _SPACES.sub(" ", name).strip(" ")


def _without_comments(entry: str) -> Iterator[_Mark]:
    """Yield the characters of *entry* with a space in place of each comment (RFC 5322, section 3.2.2)."""
    for place, marks in groupby(_scan(entry), key=lambda mark: mark[1]):
        if place is _Place.COMMENT:
            yield " ", _Place.TEXT
        else:
            yield from marks


def _scan(text: str) -> Iterator[_Mark]:
    """Yield each character with its place; raise `Refused` where the text ends inside of something."""
    quoted = escaped = angle = False
    depth = 0
    for character in text:
        yield character, _place(character, quoted=quoted, depth=depth, angle=angle)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted or depth > 0
        elif character == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif angle:
            angle = character != ">"
        elif depth or character == "(":
            depth += {"(": 1, ")": -1}.get(character, 0)
        else:
            angle = character == "<"
    if quoted or depth or angle:
        raise _unclosed(quoted=quoted, depth=depth)


def _place(character: str, *, quoted: bool, depth: int, angle: bool) -> _Place:
    if angle or (character == "<" and not quoted and not depth):
        return _Place.ANGLE
    if quoted or (character == '"' and not depth):
        return _Place.QUOTED
    return _Place.COMMENT if depth or character == "(" else _Place.TEXT


def _unclosed(*, quoted: bool, depth: int) -> Refused:
    what = "double quote" if quoted else "parenthesis" if depth else "angle bracket"
    return refusal(f"has an unclosed {what}", f"close it; {_SEPARATE}")
