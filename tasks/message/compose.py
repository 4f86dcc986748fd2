"""A validated mail becomes an envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.envelope import Envelope
from tasks.failures import PermanentFailure, Reply
from tasks.message import mime
from tasks.message.content import content_of
from tasks.message.headers import header_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.contract.addresses import Mailbox
    from tasks.contract.parameters import SendEmail
    from tasks.message.attachments import Attachment
    from tasks.message.identity import Identity

_MIB: Final = 1024 * 1024

#: Size in bytes of the largest finished message (contract, section 3, body).
MAX_BYTES: Final = 10 * _MIB


def compose(
    mail: SendEmail,
    *,
    sender: Mailbox,
    identity: Identity,
    attachments: Sequence[Attachment] = (),
    max_bytes: int = MAX_BYTES,
) -> Envelope:
    """
    Return the envelope of *mail* from *sender*; equal arguments give equal bytes.

    Raises `PermanentFailure` where the finished message is larger than *max_bytes*.
    """
    content, notes = content_of(mail, attachments=tuple(attachments), seed=identity.message_id)
    body, *files = mime.write(content)
    head = header_block(mail, sender=sender, identity=identity).encode("ascii")
    size = sum(map(len, (head, body, *files)))
    _refuse_too_large(size, max_bytes, with_attachments=bool(attachments))
    international = None
    if _names_international(mail, sender):
        international = header_block(mail, sender=sender, identity=identity, smtputf8=True).encode() + body
    return Envelope(
        sender=sender.addr_spec,
        recipients=tuple([mailbox.addr_spec for mailbox in mail.recipients]),
        content=head + body,
        content_smtputf8=international,
        files=tuple(files),
        notes=tuple(notes),
    )


def _names_international(mail: SendEmail, sender: Mailbox) -> bool:
    shown = (sender, *mail.to, *mail.cc, *mail.reply_to)
    return any(mailbox.needs_smtputf8 for mailbox in shown)


def _refuse_too_large(size: int, limit: int, *, with_attachments: bool) -> None:
    if size > limit:
        code = LocalCode.ATTACHMENT if with_attachments else LocalCode.INVALID_INPUT
        raise PermanentFailure(
            Reply(
                code,
                f"the finished message has {size / _MIB:.1f} MiB, and at most {limit / _MIB:.1f} MiB may be "
                "sent; shorten it, or put a link in the place of an attachment",
            )
        )
