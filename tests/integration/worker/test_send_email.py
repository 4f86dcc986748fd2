"""One mail through a real queue, a real worker and a real SMTP session."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from producers.async_client import AsyncMailer
from producers.errors import IdempotencyConflict, MailNotFound, WaitTimeout
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from collections.abc import Callable

MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}


def test_whoever_enqueued_by_name_gets_the_three_outputs(post: Any) -> None:
    outcome = post.send(metadata={"order": "7"}).get(timeout=20)

    assert (outcome["success"], outcome["code"]) == (True, 250)
    assert outcome["message"]
    assert SendEmailResult.model_validate(outcome).metadata == {"order": "7"}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"to": "nobody@example.org"}, 550),
        ({"to": "no address"}, 600),
        ({"attachments": "missing.txt"}, 601),
        ({"smtp_host": "evil.example"}, 602),
        ({"password": "canary-password"}, 602),
        ({"to": "mute@example.org", "timeout": 1000}, 620),
    ],
    ids=["refused", "invalid", "attachment", "policy", "password", "time"],
)
def test_every_anticipated_failure_is_a_result(post: Any, parameters: dict[str, Any], code: int) -> None:
    outcome = post.send(**parameters).get(timeout=20)

    assert (outcome["success"], outcome["code"]) == (False, code)


def test_positional_arguments_are_a_result_too(post: Any) -> None:
    outcome = post.app.send_task("send_email", args=["ann@example.org"], queue="default").get(timeout=20)

    assert outcome["code"] == 600


def test_an_id_may_be_any_that_celery_takes(post: Any) -> None:
    mail_id = f'order "{uuid.uuid4()}" \\'
    result = post.app.send_task("send_email", kwargs=MAIL, queue="default", task_id=mail_id)

    assert result.get(timeout=20)["success"]
    assert post.mailer.poll(mail_id).state is MailState.SENT


@pytest.mark.parametrize("lane", ["reset", "default", "bulk"])
def test_every_lane_is_served_once(post: Any, lane: str) -> None:
    recipient = f"{lane}@example.org"

    assert post.send(lane=lane, to=recipient).get(timeout=20)["success"]
    assert post.mails_to(recipient) == 1


def test_a_transient_refusal_is_tried_again_within_the_timeout(post: Any) -> None:
    outcome = post.send(to="grey@example.org").get(timeout=30)

    assert outcome["success"]
    assert [attempt["code"] for attempt in outcome["attempts"]] == [451, 451, 250]


def test_a_long_wait_is_polled_as_retrying_and_ends_in_the_same_mail(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail_id = post.mailer.enqueue(**{**MAIL, "to": "patient@example.org"})

    eventually(lambda: post.mailer.poll(mail_id).state is MailState.RETRYING)
    status = post.mailer.poll(mail_id)
    outcome = post.mailer.wait(mail_id, timeout=20)

    assert status.code == 451
    assert post.app.AsyncResult(mail_id).get(timeout=5)["success"]
    assert outcome.delivery is Delivery.SENT
    assert post.mails_to("patient@example.org") == 1


def test_the_client_and_celery_see_the_same_result(post: Any) -> None:
    mail_id = post.mailer.enqueue(MAIL)

    mine = post.mailer.wait(mail_id, timeout=20)

    assert post.app.AsyncResult(mail_id).get(timeout=5) == mine.model_dump(mode="json")


def test_queued_is_told_apart_from_never_existed(post: Any) -> None:
    later = post.mailer.enqueue(MAIL, send_at=datetime.now(UTC) + timedelta(hours=1))

    assert post.mailer.poll(later).state is MailState.QUEUED
    with pytest.raises(WaitTimeout):
        post.mailer.wait(later, timeout=0.0)
    with pytest.raises(MailNotFound):
        post.mailer.poll("11111111-2222-3333-4444-555555555555")


def test_many_are_enqueued_in_order_and_the_refused_are_named(post: Any) -> None:
    messages = [{**MAIL, "to": f"many{i}@example.org"} for i in range(5)]
    messages[2] = {**MAIL, "to": "nonsense", "subject": ""}

    batch = post.mailer.enqueue_many(messages)

    assert [mail_id is None for mail_id in batch.ids] == [False, False, True, False, False]
    assert [(refused.index, len(refused.error.errors)) for refused in batch.refused] == [(2, 2)]
    outcomes = [post.mailer.wait(mail_id, timeout=20) for mail_id in batch.ids if mail_id]
    assert all(outcome.success for outcome in outcomes)


def test_a_key_finds_its_mail_and_refuses_another(post: Any) -> None:
    message = {**MAIL, "to": "once@example.org", "idempotency_key": "reset/1"}
    first, second = post.mailer.enqueue(message), post.mailer.enqueue(message)
    post.mailer.wait(first, timeout=20)

    assert first == second
    assert post.mails_to("once@example.org") == 1
    with pytest.raises(IdempotencyConflict):
        post.mailer.enqueue({**message, "subject": "other"})


def test_attachments_come_from_the_workers_folder_or_from_stored_bytes(post: Any) -> None:
    reference = post.mailer.store_bytes(b"\x00\x01", name="b.bin")

    outcome = post.send(to="files@example.org", attachments=["terms.txt", reference]).get(timeout=20)

    assert outcome["success"]
    [mail] = [mail for mail in post.server.mails if "files@example.org" in mail.recipients]
    assert b'filename="terms.txt"' in mail.content
    assert b'filename="b.bin"' in mail.content


def test_an_event_loop_can_send_and_wait(post: Any) -> None:
    async def send() -> SendEmailResult:
        async with AsyncMailer(post.url) as mailer:
            return await mailer.wait(await mailer.enqueue(MAIL), timeout=20)

    assert asyncio.run(send()).success


def test_monitors_see_no_argument_of_a_mail_in_hand(
    post: Any, eventually: Callable[[Callable[[], object]], None]
) -> None:
    mail = post.send(to="slow@example.org", body="canary-body", subject="canary-subject")
    inspect = post.app.control.inspect(timeout=0.5)
    shown: list[str] = []

    def is_shown() -> bool:
        shown.append(json.dumps([inspect.active(), inspect.reserved(), inspect.query_task(mail.id)]))
        return mail.id in shown[-1]

    eventually(is_shown)

    assert mail.get(timeout=20)["success"]
    assert "canary" not in "".join(shown)


def test_a_mail_that_was_not_sent_is_a_failed_task_for_monitors(post: Any) -> None:
    kinds: dict[str, str] = {}

    def note(event: dict[str, Any]) -> None:
        if event["type"] in {"task-succeeded", "task-failed"}:
            kinds[event["uuid"]] = event["type"]
        receiver.should_stop = kinds.keys() >= mails.keys() > set()

    mails: dict[str, str] = {}
    with post.app.connection() as connection:
        receiver = post.app.events.Receiver(connection, handlers={"*": note})
        consuming = receiver.itercapture(timeout=20, wakeup=False)
        next(consuming)
        mails = {post.send().id: "task-succeeded", post.send(to="nobody@example.org").id: "task-failed"}
        for _ in consuming:
            pass

    # An earlier test's mail may end meanwhile.
    assert {mail_id: kinds[mail_id] for mail_id in mails} == mails


def test_no_log_line_says_what_a_mail_says(post: Any) -> None:
    canaries = {"subject": "canary-subject", "body": "canary-body", "metadata": {"k": "canary-metadata"}}
    post.send(to="nobody@example.org", **canaries).get(timeout=20)
    post.send(to="canary-name@example.org", **canaries).get(timeout=20)

    lines = post.log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "canary" in line] == []
