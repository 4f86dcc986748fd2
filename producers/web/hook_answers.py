"""What the gateway answers about webhooks, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from producers.hooks.views import DeliveryState
from producers.web.answers import EMAILS
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from producers.hooks.views import Delivery, Health
    from producers.web.webhook import Webhook

#: Where a delivery is found; its id follows.
DELIVERIES: Final = "/v1/webhooks/deliveries/"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class WebhookAnswer(_Answer):
    """The webhook of an API key, and how its receiver is."""

    url: str = Field(description="Where deliveries are posted to.")
    states: tuple[MailState, ...] = Field(description="The ends that are told.")
    failing_since: datetime | None = Field(description="Since when no attempt succeeds.")
    disabled_at: datetime | None = Field(description="Since when nothing is delivered; a test enables it.")
    reason: str | None = Field(description="Why it is disabled: `gone` (it answered 410) or `failing`.")

    @classmethod
    def of(cls, webhook: Webhook, health: Health) -> WebhookAnswer:
        """Return what callers are told of *webhook*: everything but its secrets."""
        return cls(
            url=webhook.url,
            states=webhook.states,
            failing_since=health.failing_since,
            disabled_at=health.disabled_at,
            reason=health.reason,
        )


class DeliveryAttempt(_Answer):
    """One attempt to deliver."""

    at: datetime
    seconds: float = Field(description="How long it took.")
    status: int | None = Field(description="What the receiver answered; null if nothing.")
    error: str | None = Field(description="Why there was no answer.")
    excerpt: str = Field(description="The beginning of the answer.")


class DeliveryAnswer(_Answer):
    """A delivery to a webhook; its id is the `webhook-id` of every attempt."""

    id: str
    state: DeliveryState = Field(description="`pending` until it is delivered, or given up.")
    type: str = Field(description="The event, such as `email.sent`.")
    email: str | None = Field(description="Where the email is found; null for a test.")
    created_at: datetime
    tries: int = Field(description="Attempts since it was made, or made again.")
    due_at: datetime | None = Field(description="When it is tried next; null unless pending.")
    attempts: tuple[DeliveryAttempt, ...] = Field(description="The last ones, oldest first.")
    location: str

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        """Return what callers are told of *delivery*."""
        return cls(
            id=delivery.delivery_id,
            state=delivery.state,
            type=delivery.type,
            email=EMAILS + delivery.mail_id if delivery.mail_id else None,
            created_at=delivery.made_at,
            tries=delivery.tries,
            due_at=delivery.due,
            attempts=tuple(
                DeliveryAttempt(
                    at=each.at,
                    seconds=each.seconds,
                    status=each.status,
                    error=each.error,
                    excerpt=each.excerpt,
                )
                for each in delivery.attempts
            ),
            location=DELIVERIES + delivery.delivery_id,
        )


class DeliveryPage(_Answer):
    """Deliveries from newest to oldest."""

    deliveries: tuple[DeliveryAnswer, ...]
    next: str | None = Field(
        description="The cursor of the next page; null at the end. A page may have fewer deliveries than "
        "asked for, and yet not be the last."
    )
