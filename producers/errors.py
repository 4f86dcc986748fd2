"""
What a producer can meet, beside `InvalidInput` for parameters that are wrong.

```
PostroomError
├── QueueUnavailable       the queue, or the gateway to it, could not be reached
│   ├── BatchInterrupted   … amid many mails; says which were enqueued before
│   └── RateLimited        the gateway takes no more from this API key for now
├── KeyRejected            the gateway does not know the API key
├── NotAllowed             the API key does not allow this (also an `InvalidInput`)
├── GatewayError           an answer that is none of a gateway's, or says that it has a bug
├── IdempotencyConflict    the key belongs to a mail with other parameters
├── TooManyResets          a password reset was over a limit
├── MailNotFound           there is no such mail, or it is long past
├── AlreadyOnItsWay        it can be neither cancelled nor resent: it is under way
├── AlreadySent            it is not resent: everybody has it
├── ParametersDiffer       it is not resent: these are not its parameters
├── WouldDouble            it is not resent unless forced: somebody may have it
├── EntryNotFound          there is no such entry in quarantine, or no longer
├── NotRequeued            an entry cannot be put back into its queue
├── DeliveryNotFound       there is no such delivery to a webhook, or no longer
├── NoWebhook              the API key has no webhook
├── ReceiverDisabled       nothing is delivered to a webhook until a trial succeeds
└── WaitTimeout            the mail had no result yet when the time was over
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput

if TYPE_CHECKING:
    from producers.batches import Batch
    from tasks.contract.status import MailStatus


class PostroomError(Exception):
    """The base of everything that the client raises by itself."""


class QueueUnavailable(PostroomError):
    """
    The queue, or the gateway that leads to it, could not be reached within a few seconds, or refused.

    What it refused for is said with what helps: it has no memory or disk left, is a replica, and so on.

    Either nothing was stored, or a repeat with the same idempotency key finds the mail that was.
    """

    code = LocalCode.QUEUE_UNAVAILABLE


class BatchInterrupted(QueueUnavailable):
    """
    The queue went away amid many mails: *batch* has those that were answered for before.

    Of the few hundred behind them, which were on their way, nobody knows, and the rest was not enqueued. A
    repeat with the same idempotency keys finds those that were.
    """

    def __init__(self, message: str, batch: Batch) -> None:
        super().__init__(message)
        self.batch = batch

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.batch)


class RateLimited(QueueUnavailable):
    """
    The API key has used up its allowance, and there is none within the time of the call.

    Nothing was handed in: call again in *wait* seconds, or have the key given a higher rate.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(f"the API key has used up its allowance; there is more in {max(1, round(wait))} s")
        self.wait = wait

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.wait,)


class KeyRejected(PostroomError):
    """The gateway does not know the API key, or it was revoked; one is made with `postroom key create`."""

    def __init__(self) -> None:
        super().__init__(
            "the gateway does not know this API key, or it was revoked; `postroom key create` makes another"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class NotAllowed(PostroomError, InvalidInput):
    """
    The API key does not allow this account, sender, recipient or lane.

    *errors* say which, as those of every `InvalidInput` do. Leave it out, or have a key made that may.
    """


class GatewayError(PostroomError):
    """
    The answer is none of a gateway's, or tells of a bug in it; the text says which.

    The URL is wrong, something between answers in its place, or its log knows more. Whether the mail was
    taken in is not known: a repeat with the same idempotency key finds it.
    """


class IdempotencyConflict(PostroomError):
    """The idempotency key belongs to the mail *mail_id*, which has other parameters."""

    code = LocalCode.IDEMPOTENCY_CONFLICT

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"the idempotency key belongs to mail {mail_id}, which has other parameters")
        self.mail_id = mail_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mail_id,)


class TooManyResets(PostroomError):
    """More password resets were asked for than the limits allow; there is room in *wait* seconds."""

    def __init__(self, what: str, wait: float) -> None:
        super().__init__(f"too many password resets for this {what}; try again in {max(1, round(wait))} s")
        self.what = what
        self.wait = wait

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.wait)


class MailNotFound(PostroomError, LookupError):
    """No mail *mail_id* was ever enqueued here, or its result has been forgotten."""

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"there is no mail {mail_id!r}; results are kept for a day")
        self.mail_id = mail_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mail_id,)


class AlreadyOnItsWay(PostroomError):
    """The mail has no result yet and is not the caller's to change now; *status* says where it stands."""

    def __init__(self, status: MailStatus) -> None:
        super().__init__(f"mail {status.mail_id} is already on its way ({status.state})")
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.status,)


class _NotResent(PostroomError):
    """A mail was not resent and is as it was; the docstring of the error is why."""

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"mail {mail_id} was not resent: {self._why}")
        self.mail_id = mail_id

    _why = ""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mail_id,)


class AlreadySent(_NotResent):
    """The server took the mail *mail_id* for every recipient, so there is nobody left to send it to."""

    _why = "it was sent to everybody"


class ParametersDiffer(_NotResent):
    """The parameters are not those of the mail *mail_id*, under whose identity they would be sent."""

    _why = "these are not its parameters; to send a changed mail, enqueue it as a new one"


class WouldDouble(_NotResent):
    """Somebody may have the mail *mail_id* already; *force* accepts that they may get it twice."""

    _why = "it may have been delivered; force it where a second copy is better than none"


class WaitTimeout(PostroomError, TimeoutError):
    """The mail was not settled in time; *status* says where it stood."""

    def __init__(self, status: MailStatus) -> None:
        super().__init__(f"mail {status.mail_id} is still {status.state}")
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.status,)


class EntryNotFound(PostroomError):
    """There is no entry *entry_id* in quarantine, or no longer."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(
            f"there is no entry {entry_id} in quarantine; `postroom quarantine list` has all of them"
        )
        self.entry_id = entry_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.entry_id,)


class NotRequeued(PostroomError):
    """The entry *entry_id* stays in quarantine; *why* says what keeps it there."""

    def __init__(self, entry_id: str, why: str) -> None:
        super().__init__(f"entry {entry_id} cannot be put back: {why}")
        self.entry_id = entry_id
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.entry_id, self.why)


class DeliveryNotFound(PostroomError):
    """There is no delivery *delivery_id*, or no longer."""

    def __init__(self, delivery_id: str) -> None:
        super().__init__(
            "there is no such delivery, or it is long past; `postroom hooks list` has all of them"
        )
        self.delivery_id = delivery_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.delivery_id,)


class NoWebhook(PostroomError):
    """The API key *key_id* has no webhook, is revoked, or does not exist."""

    def __init__(self, key_id: str) -> None:
        super().__init__("the API key has no webhook; `postroom hooks set` gives it one")
        self.key_id = key_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key_id,)


class ReceiverDisabled(PostroomError):
    """The webhook of the API key *key_id* is disabled: it is gone, or has failed for days."""

    def __init__(self, key_id: str) -> None:
        super().__init__("the webhook is disabled; it is enabled again when `postroom hooks test` succeeds")
        self.key_id = key_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.key_id,)


#: After any of these the next mail would fare no better: whoever hands in many stops, and says where.
INTERRUPTIONS: Final = (QueueUnavailable, KeyRejected, GatewayError)
