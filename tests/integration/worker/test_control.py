"""Cancelling and resending mails while a real worker is at work."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

from producers.errors import AlreadyOnItsWay, AlreadySent, MailNotFound, ParametersDiffer, WouldDouble
from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}
UNKNOWN = SendEmailResult(
    success=False,
    code=690,
    message="no answer to the dot",
    delivery=Delivery.UNKNOWN,
    retryable=False,
    source="local",
    recipients=(
        RecipientOutcome(address="g***@example.org", state=RecipientState.UNKNOWN, code=690, message=""),
    ),
)


def identities(post: Any, recipient: str) -> list[list[bytes]]:
    """Message-ID and Date of each copy that *recipient* got."""
    mails = [mail.content for mail in post.server.mails if recipient in mail.recipients]
    return [[line for line in mail.splitlines() if line[:5] in {b"Messa", b"Date:"}] for mail in mails]


def stored_by_celery(post: Any, mail_id: str) -> object:
    """What the result backend holds now: an app keeps for itself what it once read."""
    return post.app.backend.get_task_meta(mail_id, cache=False)["result"]


def test_a_scheduled_mail_is_cancelled_at_once_and_celery_hears_of_it(post: Any) -> None:
    message = {**MAIL, "to": "later@example.org", "metadata": {"order": "7"}}
    mail_id = post.mailer.enqueue(message, send_at=datetime.now(UTC) + timedelta(hours=1))

    status = post.mailer.cancel(mail_id)

    assert (status.state, status.code) == (MailState.CANCELLED, 650)
    assert status.result.metadata == {"order": "7"}
    assert [outcome.address for outcome in status.result.recipients] == ["l***@example.org"]
    assert post.app.AsyncResult(mail_id).get(timeout=20) == status.result.model_dump(mode="json")
    assert post.mails_to("later@example.org") == 0


def test_a_mail_that_waits_for_its_next_attempt_is_cancelled(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail_id = post.mailer.enqueue(**{**MAIL, "to": "hesitant@example.org"})
    eventually(lambda: post.mailer.poll(mail_id).state is MailState.RETRYING)

    status = post.mailer.cancel(mail_id)

    assert [attempt.code for attempt in status.result.attempts] == [451]
    assert post.app.AsyncResult(mail_id).get(timeout=20)["code"] == 650
    assert post.mails_to("hesitant@example.org") == 0


def test_a_mail_that_is_being_sent_is_not_cancelled(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail_id = post.mailer.enqueue(**{**MAIL, "to": "slow@example.org"})
    eventually(lambda: post.mailer.poll(mail_id).state is MailState.SENDING)

    with pytest.raises(AlreadyOnItsWay) as caught:
        post.mailer.cancel(mail_id)

    assert caught.value.status.state is MailState.SENDING
    assert post.mailer.wait(mail_id, timeout=20).success
    assert post.mailer.cancel(mail_id).state is MailState.SENT


def test_what_never_was_can_be_neither_cancelled_nor_resent(post: Any) -> None:
    with pytest.raises(MailNotFound):
        post.mailer.cancel("11111111-2222-3333-4444-555555555555")
    with pytest.raises(MailNotFound):
        post.mailer.resend("11111111-2222-3333-4444-555555555555", MAIL)


def test_a_mail_that_failed_is_resent_as_the_same_mail(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    message = {**MAIL, "to": "moody@example.org", "cc": "fine@example.org"}
    mail_id = post.mailer.enqueue(message)
    first = post.mailer.wait(mail_id, timeout=20)

    with pytest.raises(ParametersDiffer):
        post.mailer.resend(mail_id, {**message, "subject": "other"})
    status = post.mailer.resend(mail_id, message)
    second = post.mailer.wait(mail_id, timeout=20)

    assert (first.delivery, second.delivery) == (Delivery.PARTIAL, Delivery.SENT)
    assert status.mail_id == mail_id
    assert first.message_id == second.message_id
    assert post.mails_to("fine@example.org") == 1
    assert identities(post, "moody@example.org") == identities(post, "fine@example.org")
    eventually(lambda: stored_by_celery(post, mail_id) == second.model_dump(mode="json"))
    with pytest.raises(AlreadySent):
        post.mailer.resend(mail_id, message)


def test_a_mail_of_unknown_outcome_is_resent_by_force_only(post: Any) -> None:
    message = {**MAIL, "to": "gone@example.org"}
    mail_id = str(uuid.uuid4())
    with Redis.from_url(post.url) as redis:
        journal = Journal(redis)
        journal.accept([Entry.of(mail_id, "default", parse(message))])
        [claim] = journal.begin([mail_id])
        assert isinstance(claim, Claim)
        journal.finish([Settlement.of(claim, MailState.UNKNOWN, UNKNOWN)])

    with pytest.raises(WouldDouble):
        post.mailer.resend(mail_id, message)
    post.mailer.resend(mail_id, message, force=True)

    assert post.mailer.wait(mail_id, timeout=20).success
    assert post.mails_to("gone@example.org") == 1


def test_a_cancelled_mail_can_be_sent_after_all(post: Any) -> None:
    message = {**MAIL, "to": "afterall@example.org", "idempotency_key": "afterall"}
    mail_id = post.mailer.enqueue(message, send_at=datetime.now(UTC) + timedelta(hours=1))
    post.mailer.cancel(mail_id)

    post.mailer.resend(mail_id, message)

    assert post.mailer.wait(mail_id, timeout=20).success
    assert post.mailer.enqueue(message) == mail_id
    assert post.mails_to("afterall@example.org") == 1
