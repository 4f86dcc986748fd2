"""What is between the headers and the final dot: texts in their character sets, attachments, boundaries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from tasks.contract.charsets import python_codec
from tasks.message.html_text import text_from_html

if TYPE_CHECKING:
    from tasks.contract.parameters import SendEmail
    from tasks.message.attachments import Attachment

#: Longest line in bytes without its CRLF (RFC 5322, section 2.1.1).
LONGEST_LINE: Final = 998

_UTF_8: Final = "utf-8"


@dataclass(frozen=True, slots=True)
class Text:
    """One text part: *data* is encoded in *charset*, has only CRLF line ends and ends with one."""

    subtype: Literal["plain", "html"]
    charset: str
    data: bytes = field(repr=False)

    @property
    def fits_7bit(self) -> bool:
        """Whether the data can go over the wire as they are (RFC 2045, section 2.7)."""
        if not self.data.isascii() or b"\0" in self.data:
            return False
        # One byte is found much faster than two, and each line end has its CR.
        return max(map(len, self.data.split(b"\n"))) <= LONGEST_LINE + len(b"\r")


@dataclass(frozen=True, slots=True)
class Content:
    """
    The parts of a message: one text, or two alternatives with the preferred one last, and attachments.

    *seed* makes the boundaries; equal for all attempts at a mail, so that they are equal byte for byte.
    """

    texts: tuple[Text, ...]
    attachments: tuple[Attachment, ...] = ()
    seed: str = ""

    def boundary(self, level: str) -> str:
        """
        Return the boundary of the multipart named *level*, which occurs in none of the texts.

        Its "=_" can occur in neither base64 nor quoted-printable, so that only texts sent as they are need
        a look (RFC 2045, section 6.7).
        """
        attempt = 0
        while True:
            digest = hashlib.blake2b(f"{self.seed} {level} {attempt}".encode(), digest_size=16).hexdigest()
            boundary = f"=_{digest}"
            if not any(boundary.encode() in text.data for text in self.texts):
                return boundary
            attempt += 1


def content_of(
    mail: SendEmail, *, attachments: tuple[Attachment, ...], seed: str
) -> tuple[Content, list[str]]:
    """Return the content of *mail*, and a sentence for each text that its character set could not hold."""
    if mail.email_format == "plain":
        named = [("the body", _text("plain", mail.body, mail.encoding))]
    else:
        alternative = text_from_html(mail.body) if mail.text_body is None else mail.text_body
        named = [
            ("the plain text alternative", _text("plain", alternative, mail.encoding)),
            ("the body", _text("html", mail.body, mail.encoding)),
        ]
    notes = [_note(name, mail.encoding) for name, text in named if text.charset != mail.encoding]
    return Content(tuple(text for _, text in named), attachments, seed), notes


def _text(subtype: Literal["plain", "html"], text: str, charset: str) -> Text:
    lines = _with_crlf(text)
    data = lines.encode() if charset == _UTF_8 else _encoded(lines, python_codec(charset))
    return Text(subtype, _UTF_8, lines.encode()) if data is None else Text(subtype, charset, data)


def _encoded(text: str, codec: str) -> bytes | None:
    """
    Return *text* in *codec*, or None where it would not come back as it is.

    Some codecs bend instead of failing: Shift_JIS turns a yen sign into a backslash.
    """
    try:
        data = text.encode(codec)
        return data if data.decode(codec) == text else None
    except UnicodeError:
        return None


def _with_crlf(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    return text.replace("\n", "\r\n")


def _note(name: str, charset: str) -> str:
    return f"{name} was sent as UTF-8, because {charset} cannot encode every character of it"
