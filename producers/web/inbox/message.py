"""A caught mail, taken apart; whatever is wrong with it, there is something to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING, Final, NamedTuple

from producers.web.inbox.decoding import header_of, header_text, text_of, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Parts that are looked at, and how deep they may lie in one another.
_MOST_PARTS: Final = 200
_DEEPEST: Final = 50
#: Characters of a text that are shown, and of a file's name.
_MOST_TEXT: Final = 2_000_000
_MOST_NAME: Final = 120
#: Headers that are shown.
_MOST_HEADERS: Final = 200
_BROKEN: Final = "It cannot be taken apart, so only its source is shown."


class Part(NamedTuple):
    """A part that is a file: an attachment, or an image in the HTML, which calls it by *content_id*."""

    number: int
    name: str
    media_type: str
    content: bytes
    content_id: str = ""

    def __repr__(self) -> str:
        return f"Part({self.number}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Caught:
    """What a mail says; *trouble* is why it cannot be shown as it should."""

    headers: tuple[tuple[str, str], ...]
    text: str | None = None
    html: str | None = None
    parts: tuple[Part, ...] = ()
    trouble: str = ""

    def header(self, name: str) -> str:
        """Return the first header of this name, "" where there is none."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")

    @property
    def recipients(self) -> str:
        """Who it was delivered to, as the catcher noted it: that is where BCC can be seen."""
        return self.header("X-RcptTo") or self.header("X-Envelope-To")

    @property
    def sender(self) -> str:
        """Where the server was told that it comes from."""
        return self.header("X-MailFrom") or self.header("Return-Path")


def read(content: bytes) -> Caught:
    """Return the mail that *content* is."""
    try:
        message = message_from_bytes(content)
        return _Reader().read(message)
    except Exception:  # noqa: BLE001 (Python's parser fails in many ways on mails made to break it)
        return Caught(_headers_alone(content), trouble=_BROKEN)


def read_head(content: bytes) -> Caught:
    """Return what the headers in *content* say, which may end before the mail does."""
    return Caught(_headers_alone(content))


def _headers_alone(content: bytes) -> tuple[tuple[str, str], ...]:
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    try:
        return _headers(message_from_bytes(head + b"\n\n"))
    except Exception:  # noqa: BLE001 (as above)
        return ()


def _headers(message: Message) -> tuple[tuple[str, str], ...]:
    raw = list(message.raw_items())[:_MOST_HEADERS]
    return tuple((visible(str(name)), header_text(value)) for name, value in raw)


@dataclass(slots=True)
class _Reader:
    text: str | None = None
    html: str | None = None
    parts: list[Part] = field(default_factory=list)

    def read(self, message: Message) -> Caught:
        headers, trouble = _headers(message), ""
        for number, part in enumerate(_leaves(message)):
            if number == _MOST_PARTS:
                trouble = f"It has more than {_MOST_PARTS} parts, of which these are the first."
                break
            self._take(number, part)
        return Caught(headers, self.text, self.html, tuple(self.parts), trouble)

    def _take(self, number: int, part: Message) -> None:
        kind, charset, name = part.get_content_type(), _charset(part), _file_name(part)
        content = _content(part)
        if part.get_content_disposition() != "attachment" and not name:
            if kind == "text/plain" and self.text is None:
                self.text = text_of(content, charset)[:_MOST_TEXT]
                return
            if kind == "text/html" and self.html is None:
                self.html = text_of(content, charset)[:_MOST_TEXT]
                return
        content_id = header_of(part, "Content-ID").strip("<> ")
        self.parts.append(Part(number, name or f"part-{number}", visible(kind), content, content_id))


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts without parts, in order; not by recursion, which a mail could exhaust."""
    waiting = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        if part.is_multipart() and depth < _DEEPEST and part.get_content_maintype() == "multipart":
            waiting.extend((each, depth + 1) for each in reversed(_inner(part)))
        else:
            yield part


def _inner(part: Message) -> list[Message]:
    found = part.get_payload()
    return [each for each in found if isinstance(each, Message)] if isinstance(found, list) else []


def _content(part: Message) -> bytes:
    if part.is_multipart():
        # An attached mail is what lies in its part.
        return b"".join(each.as_bytes() for each in _inner(part))
    # Python would read the part by the character set that it names, and fail where that is none.
    del part["Content-Type"]
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _charset(part: Message) -> str:
    try:
        return part.get_content_charset("utf-8")
    except (LookupError, ValueError):
        return "utf-8"


def _file_name(part: Message) -> str:
    """Return the last step of a file's name: no folder, nothing that a shell or a header would take amiss."""
    try:
        given = header_text(part.get_filename() or "")
    except (LookupError, TypeError, ValueError):
        return ""
    name = given.replace("\\", "/").rpartition("/")[2].strip(". ")
    return "".join(c for c in name if c not in '<>:"|?*')[:_MOST_NAME]
