"""A mail that is ready for the wire."""

from __future__ import annotations

from dataclasses import dataclass, field


class Encoded(bytes):
    """
    Base64 in whole lines (RFC 2045, section 6.8), made by the one function that is sure of it.

    There is nothing in it to look for before it goes over the wire, and one object serves all mails that
    carry the file.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    Sender and recipients as MAIL FROM and RCPT TO name them, and the content between them (RFC 5321, 2.3.1).

    *content* is pure ASCII with CRLF line ends and no line over 998 bytes; its dots are not yet stuffed.
    *content_smtputf8* is the same mail with international addresses in its headers (RFC 6532), present only
    where there are any; it may go only to a server that offers SMTPUTF8. *files* follow either: the rest of a
    mail with attachments, in pieces that each end a line, so that the large ones are never copied. *notes*
    are sentences for the result's message ("the body was sent as UTF-8: …"). Neither an address nor the
    content is in its `repr`.
    """

    sender: str = field(repr=False)
    recipients: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)
    content_smtputf8: bytes | None = field(default=None, repr=False)
    files: tuple[bytes, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
