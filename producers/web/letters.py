"""A mail as a key hands it in: what it may not say, and what is added to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError
from tasks.contract.labels import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.web.keys import Key
    from tasks.contract.addresses import Mailbox
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail

#: The entry of the metadata under which callers find their mails again.
REFERENCE: Final = "reference"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that *key* may hand in."""

    key: Key = field(repr=False)
    request: SendEmail
    lane: Lane
    send_at: datetime | None = None

    @property
    def reference(self) -> str | None:
        """What the caller calls it."""
        return self.request.metadata.get(REFERENCE)

    @property
    def delay(self) -> float:
        """Seconds until it is due."""
        return max(0.0, (self.send_at - datetime.now(UTC)).total_seconds()) if self.send_at else 0.0


def bound(key: Key, request: SendEmail) -> SendEmail:
    """
    Return *request* as it goes into the queue: with the key's account, and an idempotency key of its own.

    Two API keys may use the same idempotency key without ever meeting.
    """
    more: dict[str, object] = {}
    if key.account is not None:
        more["account"] = key.account
    if request.idempotency_key is not None:
        more["idempotency_key"] = scoped(key, request.idempotency_key)
    return request.model_copy(update=more) if more else request


def scoped(key: Key, idempotency_key: str) -> str:
    """Return what *idempotency_key* is called in the journal, where all producers' keys lie together."""
    return f"{key.id}:{hashlib.sha256(idempotency_key.encode()).hexdigest()}"


def violations(key: Key, request: SendEmail) -> list[FieldError]:
    """Return what *key* does not allow in *request*."""
    return [
        *_other_account(key, request),
        *_forbidden_sender(key, request),
        *_forbidden_domains(key, request),
    ]


def _other_account(key: Key, request: SendEmail) -> Iterator[FieldError]:
    if key.account is None:
        return
    if request.account not in {None, key.account}:
        yield _error("account", "is not this API key's account", "leave it out")
    if request.user_name is not None:
        yield _error("user_name", "picks an account, and this API key has its own", "leave it out")


def _forbidden_sender(key: Key, request: SendEmail) -> Iterator[FieldError]:
    if request.sender and key.allowed_senders:
        own = {"*", request.sender.key, f"@{request.sender.domain}"}
        if own.isdisjoint(entry.lower() for entry in key.allowed_senders):
            yield _error("sender", "is none that this API key may use", "leave it out, or use an allowed one")


def _forbidden_domains(key: Key, request: SendEmail) -> Iterator[FieldError]:
    if not (key.allowed_recipient_domains or key.blocked_recipient_domains):
        return
    allowed = {domain.lower() for domain in key.allowed_recipient_domains}
    blocked = {domain.lower() for domain in key.blocked_recipient_domains}
    for name in ("to", "cc", "bcc"):
        boxes: tuple[Mailbox, ...] = getattr(request, name)
        wrong = {
            box.domain for box in boxes if box.domain in blocked or (allowed and box.domain not in allowed)
        }
        for domain in sorted(wrong):
            yield _error(name, f"has recipients at {domain}", "this API key may not write there")


def _error(name: str, problem: str, advice: str) -> FieldError:
    return FieldError(name, label_of(name), LocalCode.POLICY, problem, advice)
