"""The Python client: hand letters in, look up what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from producers.batches import hand_in_all, mail_id_of
from producers.options import due_at, parse_lane, parse_option
from producers.posts import post_at
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.labels import label_of
from tasks.contract.limits import MAX_REQUEST
from tasks.contract.names import Lane
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pydantic import SecretStr

    from producers.batches import Batch, HandedIn, Message, OnProgress
    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailStatus

_TOO_LARGE: Final = FieldError(
    "attachments",
    label_of("attachments"),
    LocalCode.ATTACHMENT,
    f"has more than {MAX_REQUEST // 1024**2} MiB",
    "no mail may be so large",
)


class Mailer:
    """
    Enqueues mails and polls their results.

    ```
    mailer = Mailer("redis://localhost:6379/0")
    mail_id = mailer.enqueue(to="ann@example.org", subject="Hello", body="…", lane="reset")
    print(mailer.wait(mail_id, timeout=30).message)
    ```

    One mailer serves a process; it is safe to share between threads. *url* is the broker's, or that of a
    gateway, "https://post.example.org", which needs an API *key* (docs/howto/mailer-over-http.md).

    The rest is for a broker only. *journal_url* is needed where it is no Redis. With *sealing_keys*, which
    the workers must have too, nobody can read in Redis what mails say; the first key seals
    (docs/howto/sealing.md). Unless *is_lean*, Celery makes every message itself, which is several times
    slower and otherwise the same (docs/howto/bulk.md).

    Every method raises `QueueUnavailable` within a few seconds when the queue is away. Through a gateway each
    may also raise `KeyRejected`, `NotAllowed`, `RateLimited` and `GatewayError`, which say what to do.

    Raises:
        ValueError: the URL, the key or one of the sealing keys cannot be used; it is not shown.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | SecretStr | None = None,
        journal_url: str | None = None,
        sealing_keys: Sequence[str | SecretStr] = (),
        is_lean: bool = True,
    ) -> None:
        self.post = post_at(url, key=key, journal_url=journal_url, sealing_keys=sealing_keys, is_lean=is_lean)

    def enqueue(
        self,
        message: Mapping[str, object] | None = None,
        /,
        *,
        lane: Lane | str = Lane.DEFAULT,
        send_at: datetime | str | None = None,
        **parameters: object,
    ) -> str:
        """
        Enqueue one mail and return its id, under which it is known from now on.

        The parameters are those of docs/contract.md, as keywords or as a mapping, which may use the
        connector's labels. *send_at* is the moment before which the mail is not sent. With an idempotency key
        that was used before, the first mail's id is returned.

        Raises:
            InvalidInput: with every error of every field.
            IdempotencyConflict: the key belongs to a mail with other parameters.
            QueueUnavailable: the queue is away.
        """
        request = parse({**(message or {}), **parameters})
        to = parse_option("lane", lane, parse_lane)
        [answer] = self.post.hand_in([request], lane=to, send_at=due_at(send_at))
        return mail_id_of(answer)

    def enqueue_many(
        self,
        messages: Iterable[Message],
        *,
        lane: Lane | str = Lane.BULK,
        send_at: datetime | str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Batch:
        """
        Enqueue many mails, hundreds in a round trip; those that are refused do not stop the others.

        A source that cannot make a mail of a row gives the `InvalidInput` instead, which is then refused like
        any other. *on_progress* is called every few hundred messages, and at the end, with how many were
        handed in and how many of these were refused.

        Raises:
            BatchInterrupted: the queue went away; says what was enqueued before.
            QueueUnavailable: it was away from the beginning.
            InvalidInput: there is no such lane, or *send_at* is no moment.
        """
        return hand_in_all(self.enqueue_each(messages, lane=lane, send_at=send_at), on_progress)

    def enqueue_each(
        self,
        messages: Iterable[Message],
        *,
        lane: Lane | str = Lane.BULK,
        send_at: datetime | str | None = None,
    ) -> Iterator[HandedIn]:
        """
        Enqueue mails while they are produced, and yield what became of each, in order.

        As `enqueue_many`, but nothing is kept: a generator of any length takes the memory of a few hundred
        mails. They are enqueued as the outcomes are asked for, so ask for all of them.

        Raises:
            QueueUnavailable: the queue is away; the mails whose outcomes were yielded are enqueued.
            InvalidInput: there is no such lane, or *send_at* is no moment.
        """
        to, due = parse_option("lane", lane, parse_lane), due_at(send_at)
        return self.post.hand_in_each(messages, lane=to, send_at=due)

    def poll(self, mail_id: str) -> MailStatus:
        """
        Return where the mail stands.

        Raises:
            MailNotFound: there is none of this id.
            QueueUnavailable: the queue is away.
        """
        return self.post.poll(mail_id)

    def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:
        """
        Return the mail's result as soon as there is one, after at most *timeout* seconds.

        Raises:
            WaitTimeout: there was none in time; the mail goes on.
            MailNotFound: there is none of this id.
            QueueUnavailable: the queue is away.
        """
        return self.post.wait(mail_id, timeout=timeout)

    def cancel(self, mail_id: str) -> MailStatus:
        """
        Cancel a mail that waits: queued, scheduled, or put back for another attempt.

        It then has its result at once, with code 650, and its parameters are deleted; nobody gets it who has
        not got it yet. What was accepted before is not unsaid: such a mail ends as `partial`, and as
        `unknown` where a final dot got no answer, with code 690. A mail that has its result already keeps it,
        so look at the answer: its *state* says whether anybody has got it, and `result.was_cancelled` whether
        cancelling ended it. Cancelling twice is no error, and cancelling a sent mail does not unsend it.

        Raises:
            AlreadyOnItsWay: a worker is sending it; nothing was changed.
            MailNotFound: there is none of this id.
            QueueUnavailable: the queue is away.
        """
        return self.post.cancel(mail_id)

    def resend(
        self,
        mail_id: str,
        message: Mapping[str, object] | None = None,
        /,
        *,
        force: bool = False,
        **parameters: object,
    ) -> MailStatus:
        """
        Send a mail again that was not sent to everybody, under the same id, Message-ID and Date.

        Its parameters are needed once more, since they were deleted with its result; they must be those of
        the first time. Recipients that have it get no second copy; those that refused it are tried again. The
        Timeout begins anew, and the first result is gone. Where nobody knows whether somebody has it, *force*
        accepts that they may get it twice.

        Raises:
            InvalidInput: with every error of every field.
            WouldDouble: somebody may have it, and *force* is false.
            AlreadySent: everybody has it.
            AlreadyOnItsWay: it has no result yet.
            ParametersDiffer: these are not its parameters.
            MailNotFound: there is none of this id.
            QueueUnavailable: the queue is away.
        """
        request = parse({**(message or {}), **parameters})
        return self.post.resend(mail_id, request, force=force)

    def store_attachment(self, path: Path) -> str:
        """
        Store a file of this machine for workers elsewhere; return the reference for *attachments*.

        Raises:
            OSError: the file cannot be read.
            InvalidInput: it is too large for any mail.
            QueueUnavailable: the queue is away.
        """
        with path.open("rb") as file:
            # No more than it takes to know: it may be a device without end.
            return self.store_bytes(file.read(MAX_REQUEST + 1), name=path.name)

    def store_bytes(self, content: bytes, *, name: str) -> str:
        """
        Store *content* for a week; return the reference under which it can be attached as *name*.

        Raises:
            InvalidInput: it is too large for any mail.
            QueueUnavailable: the queue is away.
        """
        if len(content) > MAX_REQUEST:
            raise InvalidInput((_TOO_LARGE,))
        return self.post.store(content, name=name)

    def close(self) -> None:
        """Close the connections."""
        self.post.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
