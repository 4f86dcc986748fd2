"""
Cuts HTML into text and tags, in one pass and in linear time, whatever it is given.

The standard library's `html.parser` needs a minute for 60 kB of "<a " and raises on long numeric references
(Python 3.11.7), so it cannot be let near a body that a stranger may have written.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)")
#: What may stand between attributes, a stray "=" included.
_GAP = re.compile(r"[\s/=]*+")
#: Possessive, so that nothing is read twice.
_ATTRIBUTE = re.compile(r"""([^\s/>=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>]*+)))?""")

#: `html.unescape` hands numbers to `int`, which refuses more than 4,300 digits, zeros in front included.
_ZEROS = re.compile(r"(&#[xX]?)0++(?=[0-9a-fA-F])")
_HUGE = re.compile(r"&#(?:[xX][0-9a-fA-F]{8,}+|[0-9]{8,}+);?")

#: Elements whose content is not shown, and the tags that end them.
_UNSEEN = {
    name: re.compile(f"</{name}(?=[\\s/>])", re.IGNORECASE)
    for name in ("script", "style", "template", "title")
}


@dataclass(frozen=True, slots=True)
class Tag:
    """A start tag or an end tag, its name and its attributes' names in lower case."""

    name: str
    is_end: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


#: A tag, or text with its character references resolved.
Token: TypeAlias = Tag | str


def tokens(source: str) -> Iterator[Token]:
    """Yield what a reader's program would see of *source*; comments, scripts and styles are left out."""
    position = 0
    while (start := source.find("<", position)) >= 0:
        if start > position:
            yield _unescaped(source[position:start])
        if source.startswith(("<!", "<?"), start):
            position = _after_markup(source, start)
            continue
        match = _TAG_NAME.match(source, start)
        if match is None:
            yield "<"
            position = start + 1
            continue
        attributes, position = _attributes(source, match.end())
        if position < 0:
            return
        name = match[2].lower()
        yield Tag(name, bool(match[1]), attributes)
        if not match[1] and name in _UNSEEN:
            position = _after_unseen(source, position, name)
    if position < len(source):
        yield _unescaped(source[position:])


def _after_markup(source: str, start: int) -> int:
    closing = "-->" if source.startswith("<!--", start) else ">"
    end = source.find(closing, start + 2)
    return len(source) if end < 0 else end + len(closing)


def _attributes(source: str, position: int) -> tuple[dict[str, str], int]:
    """Return the attributes that begin at *position* and the end of their tag, -1 where it never ends."""
    attributes: dict[str, str] = {}
    while True:
        position = _GAP.match(source, position).end()  # type: ignore[union-attr]  # it matches nothing, too
        if source.startswith(">", position):
            return attributes, position + 1
        match = _ATTRIBUTE.match(source, position)
        if match is None:
            return attributes, -1
        attributes.setdefault(match[1].lower(), _unescaped(match[2] or match[3] or match[4] or ""))
        position = match.end()


def _after_unseen(source: str, position: int, name: str) -> int:
    match = _UNSEEN[name].search(source, position)
    return len(source) if match is None else match.start()


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    return html.unescape(_HUGE.sub("\ufffd", _ZEROS.sub(r"\1", text)))
