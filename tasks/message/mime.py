"""Writes content with the standard library: character sets and file names of every kind."""

from __future__ import annotations

from email.message import MIMEPart
from email.policy import SMTP
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.message.attachments import Attachment
    from tasks.message.content import Content, Text

#: Nothing beyond 7 bits leaves, whatever the server offers; the default policy writes 8bit.
_POLICY = SMTP.clone(cte_type="7bit")


def write(content: Content) -> bytes:
    """Return *content* with its MIME headers, in ASCII with CRLF line ends."""
    texts = [_text(text) for text in content.texts]
    entity = (
        texts[0] if len(texts) == 1 else _multipart("alternative", content.boundary("alternative"), texts)
    )
    if content.attachments:
        parts = [entity, *map(_attachment, content.attachments)]
        entity = _multipart("mixed", content.boundary("mixed"), parts)
    return entity.as_bytes()


def _text(text: Text) -> MIMEPart:
    # As bytes, because the library spells some character sets differently from their MIME names.
    part = MIMEPart(_POLICY)
    part.set_content(text.data, "text", text.subtype, cte="7bit" if text.fits_7bit else "base64")
    part.set_param("charset", text.charset)
    return part


def _attachment(attachment: Attachment) -> MIMEPart:
    part = MIMEPart(_POLICY)
    kind, _, subtype = attachment.content_type.partition("/")
    part.set_content(attachment.content, kind, subtype, disposition="attachment", filename=attachment.name)
    return part


def _multipart(subtype: str, boundary: str, parts: list[MIMEPart]) -> MIMEPart:
    whole = MIMEPart(_POLICY)
    whole["Content-Type"] = f'multipart/{subtype}; boundary="{boundary}"'
    for part in parts:
        whole.attach(part)
    return whole
