"""The plain text alternative of an HTML body."""

from __future__ import annotations

import re
from typing import Final

from tasks.message.html_tokens import Tag, tokens

_WHITE_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_LINE_ENDS = re.compile(r"\r\n?")

#: Elements with an empty line before and after them, and those that only begin a new line.
_PARAGRAPHS: Final = re.compile("p|h[1-6]|blockquote|pre|table|dl|hr")
_LINES: Final = re.compile(
    "address|article|aside|body|caption|center|dd|div|dt|fieldset|figcaption|figure|footer|form|header|li|main|"
    "nav|section|summary|tbody|tfoot|thead|tr"
)
_LISTS: Final = frozenset(("ul", "ol"))
_CELLS: Final = frozenset(("td", "th"))

#: Links that mean something to a reader of plain text.
_SCHEMES: Final = ("http://", "https://", "mailto:", "tel:")
#: Lists deeper than this are not indented further, so that the text grows no faster than its source.
_DEEPEST: Final = 8


def text_from_html(source: str) -> str:
    """
    Return what a reader of plain text should see of *source*; never raises, in linear time.

    Links become "text (url)", list items get a dash or a number, cells of a row are put apart by " | ".
    """
    writer = _Writer()
    for token in tokens(source):
        if isinstance(token, str):
            writer.text(token)
        elif token.is_end:
            writer.end(token.name)
        else:
            writer.start(token)
    return writer.finish()


class _Writer:
    """Collects text; white space and line ends are owed until something visible follows them."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._line_ends = 0
        self._separator = ""
        self._link: tuple[str, int] | None = None
        self._lists: list[int | None] = []
        self._preformatted = 0

    def text(self, text: str) -> None:
        if self._preformatted:
            self._add_lines(_LINE_ENDS.sub("\n", text))
            return
        collapsed = _WHITE_SPACE.sub(" ", text).replace("\xa0", " ")
        visible = collapsed.strip(" ")
        if collapsed.startswith(" "):
            self._separator = self._separator or " "
        if visible:
            self._add(visible)
            self._separator = " " if collapsed.endswith(" ") else ""

    def start(self, tag: Tag) -> None:
        name = tag.name
        self._break_for(name)
        if name == "br":
            # One more than is owed already, so that two of them leave an empty line.
            self._line_ends, self._separator = min(self._line_ends + 1, 2), ""
        elif name == "hr":
            self._add("-" * 8)
            self._break(2)
        elif name == "a":
            self._end_link()
            self._link = tag.attributes.get("href", "").strip(), len(self._pieces)
        elif name == "img":
            self.text(tag.attributes.get("alt", ""))
        elif name == "pre":
            self._preformatted += 1
        elif name in _LISTS:
            self._lists.append(0 if name == "ol" else None)
        elif name == "li":
            self._bullet()
        elif name in _CELLS and self._pieces and not self._line_ends:
            self._separator = " | "

    def end(self, name: str) -> None:
        self._break_for(name, is_end=True)
        if name == "a":
            self._end_link()
        elif name == "pre" and self._preformatted:
            self._preformatted -= 1
        elif name in _LISTS and self._lists:
            self._lists.pop()

    def finish(self) -> str:
        self._end_link()
        return "".join(self._pieces)

    def _break_for(self, name: str, *, is_end: bool = False) -> None:
        if _PARAGRAPHS.fullmatch(name):
            self._break(2)
        elif name in _LISTS:
            depth = len(self._lists) - is_end
            self._break(1 if depth > 0 else 2)
        elif _LINES.fullmatch(name):
            self._break(1)

    def _break(self, line_ends: int) -> None:
        self._line_ends = max(self._line_ends, line_ends)
        self._separator = ""

    def _add(self, text: str) -> None:
        if self._pieces:
            self._pieces.append("\n" * self._line_ends or self._separator)
        self._pieces.append(text)
        self._line_ends, self._separator = 0, ""

    def _add_lines(self, text: str) -> None:
        kept = text.strip("\n")
        if kept.strip():
            self._line_ends = max(self._line_ends, len(text) - len(text.lstrip("\n")))
            self._add(kept)
            self._line_ends = len(text) - len(text.rstrip("\n"))
        else:
            self._line_ends += text.count("\n")

    def _bullet(self) -> None:
        indent = "  " * min(max(len(self._lists) - 1, 0), _DEEPEST)
        if self._lists and (number := self._lists[-1]) is not None:
            self._lists[-1] = number + 1
            self._add(f"{indent}{number + 1}.")
        else:
            self._add(f"{indent}-")
        self._separator = " "

    def _end_link(self) -> None:
        if self._link is None:
            return
        (href, since), self._link = self._link, None
        shown = "".join(self._pieces[since:]).strip()
        is_told = shown in {href, href.partition(":")[2], href.partition("://")[2]}
        if href.lower().startswith(_SCHEMES) and not is_told:
            self._separator = self._separator or (" " if shown else "")
            self._add(f"({href})" if shown else href)
