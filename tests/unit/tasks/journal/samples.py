"""A mail to take in, and a result to settle it with."""

from __future__ import annotations

from tasks.contract.result import Delivery, SendEmailResult
from tasks.journal.entries import Entry

SENT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)


def entry(mail_id: str = "m", *, key: str | None = None, fingerprint: str = "f", delay: float = 0.0) -> Entry:
    return Entry(mail_id, "default", '{"to":"a@x.org"}', key, fingerprint, delay)
