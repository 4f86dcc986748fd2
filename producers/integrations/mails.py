"""A mail as a web application writes it, and the letter that is handed in for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: its name, which also says its content type, and its bytes."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """
    One mail; only *to*, *subject*, and *body* or *html* are needed.

    In *to*, *cc*, *bcc* and *reply_to* each string is exactly one address, so that a `;` in what a visitor
    typed adds nobody. *html* goes out with *body* as its plain alternative. *attachments* are files, pairs of
    a name and bytes, or names of files of the worker. *timeout* is in milliseconds. *more* has any other
    field of Postroom's contract.
    """

    to: Sequence[str] | str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    cc: Sequence[str] | str = field(default=(), repr=False)
    bcc: Sequence[str] | str = field(default=(), repr=False)
    reply_to: Sequence[str] | str = field(default=(), repr=False)
    sender: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    attachments: Sequence[File | tuple[str, bytes] | str] = field(default=(), repr=False)
    lane: str | None = None
    account: str | None = None
    timeout: int | None = None
    idempotency_key: str | None = field(default=None, repr=False)
    expires_at: datetime | str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is handed in for a mail: the contract's fields, the bytes that go before it, and its queue."""

    fields: dict[str, Any] = field(repr=False)
    files: tuple[File, ...] = field(repr=False)
    lane: str

    def with_references(self, references: Sequence[str]) -> dict[str, Any]:
        """Return the fields, with *references* to the stored files among the attachments."""
        attachments = [*self.fields.get("attachments", ()), *references]
        return {**self.fields, "attachments": attachments} if attachments else dict(self.fields)


_LISTS: Final = ("to", "cc", "bcc", "reply_to")


def letter_of(mail: Mail, defaults: Mapping[str, Any]) -> Letter:
    """Return the letter for *mail*; what it leaves open is as *defaults* say."""
    fields: dict[str, Any] = {name: _addresses(getattr(mail, name)) for name in _LISTS}
    fields |= {"subject": str(mail.subject), "body": str(mail.html or mail.body)}
    if mail.html:
        fields |= {"email_format": "html", "text_body": str(mail.body)}
    for name in ("sender", "account", "timeout", "idempotency_key"):
        value = getattr(mail, name)
        fields[name] = defaults.get(name) if value is None else value
    expires_at = mail.expires_at
    fields["expires_at"] = expires_at.isoformat() if isinstance(expires_at, datetime) else expires_at
    fields["headers"] = {str(name): str(value) for name, value in mail.headers.items()}
    fields["metadata"] = dict(mail.metadata)
    fields["attachments"] = [name for name in mail.attachments if isinstance(name, str)]
    files = tuple(
        each if isinstance(each, File) else File(*each)
        for each in mail.attachments
        if not isinstance(each, str)
    )
    given = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    return Letter({**given, **mail.more}, files, mail.lane or defaults.get("lane") or "default")


def _addresses(value: Sequence[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]
