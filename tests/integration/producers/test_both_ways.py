"""What a `Mailer` promises, held to over a queue and over a gateway: the same calls, answers and errors."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import redis

from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.errors import (
    AlreadyOnItsWay,
    AlreadySent,
    IdempotencyConflict,
    MailNotFound,
    ParametersDiffer,
    WaitTimeout,
    WouldDouble,
)
from producers.measure import BATCH
from tasks.contract.errors import InvalidInput
from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.blobs import BlobStore
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.gateway import Running

MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "Grüße", "body": "b"}
NOBODY = "6d0b5c6e-0000-4000-8000-000000000000"


class Worker:
    """Takes mails up and settles them, as a worker does in the journal."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.journal = Journal(client)

    def waiting(self, lane: str) -> int:
        return int(self.client.llen(lane))  # type: ignore[arg-type]  # not awaited

    def begin(self, mail_id: str) -> Claim:
        [claim] = self.journal.begin([mail_id])
        assert isinstance(claim, Claim)
        return claim

    def settle(self, mail_id: str, state: MailState = MailState.SENT) -> SendEmailResult:
        delivery = Delivery(state.value)
        code = {MailState.SENT: 250, MailState.UNKNOWN: 690}.get(state, 550)
        stands = RecipientState.REFUSED if state is MailState.NOT_SENT else RecipientState(delivery)
        outcome = RecipientOutcome(
            address="a***@example.org", state=stands, code=code, message="said the server"
        )
        result = SendEmailResult(
            success=state is MailState.SENT,
            code=code,
            message="said the server",
            delivery=delivery,
            retryable=False,
            source="server",
            recipients=(outcome,),
        )
        assert self.journal.finish([Settlement.of(self.begin(mail_id), state, result)]) == [True]
        return result


@pytest.fixture
def worker(queue_url: str) -> Iterator[Worker]:
    with redis.Redis.from_url(queue_url) as client:
        yield Worker(client)


@pytest.fixture(params=["queue", "gateway"])
def way(request: pytest.FixtureRequest, queue_url: str) -> tuple[str, dict[str, Any]]:
    """Where a client is sent, and what else it needs."""
    if request.param == "queue":
        return queue_url, {}
    gateway: Running = request.getfixturevalue("gateway")
    return gateway.url, {"key": gateway.key}


@pytest.fixture
def mailer(way: tuple[str, dict[str, Any]]) -> Iterator[Mailer]:
    url, options = way
    with Mailer(url, **options) as mailer:
        yield mailer


def test_a_mail_waits_in_its_lane_until_it_is_taken_up(mailer: Mailer, worker: Worker) -> None:
    mail_id = mailer.enqueue(MAIL, lane="reset")
    queued = mailer.poll(mail_id)
    worker.begin(mail_id)

    assert worker.waiting("reset") == 1
    assert (queued.mail_id, queued.state, queued.result) == (mail_id, "queued", None)
    assert mailer.poll(mail_id).state == "sending"


def test_a_mail_for_later_is_published_later(mailer: Mailer, worker: Worker) -> None:
    mail_id = mailer.enqueue(MAIL, send_at="2099-01-01T00:00:00+02:00")

    assert mailer.poll(mail_id).state == "queued"
    assert worker.waiting("default") == 0


def test_one_key_is_one_mail_and_two_mails_are_a_conflict(mailer: Mailer, worker: Worker) -> None:
    first = mailer.enqueue(MAIL, idempotency_key="k")
    again = mailer.enqueue(MAIL, idempotency_key="k")
    with pytest.raises(IdempotencyConflict) as caught:
        mailer.enqueue(MAIL, subject="other", idempotency_key="k")

    assert (first, caught.value.mail_id) == (again, first)
    assert worker.waiting("default") == 1


def test_mails_without_a_key_are_never_the_same(mailer: Mailer, worker: Worker) -> None:
    assert mailer.enqueue(MAIL) != mailer.enqueue(MAIL)
    assert worker.waiting("default") == 2


def test_every_error_of_every_field_is_told(mailer: Mailer) -> None:
    with pytest.raises(InvalidInput) as caught:
        mailer.enqueue(to="nobody", subject="", body="b", attachments="../secret")

    assert [(error.field, int(error.code)) for error in caught.value.errors] == [
        ("to", 600),
        ("subject", 600),
        ("attachments", 601),
    ]


def test_what_is_wrong_with_one_of_many_does_not_stop_the_others(mailer: Mailer, worker: Worker) -> None:
    first = mailer.enqueue(MAIL, lane="bulk", idempotency_key="k")
    other = {**MAIL, "body": "other", "idempotency_key": "k"}
    batch = mailer.enqueue_many([MAIL, {}, other, {**MAIL, "idempotency_key": "k"}, MAIL])

    kinds = [(refusal.index, type(refusal.error)) for refusal in batch.refused]
    assert kinds == [(1, InvalidInput), (2, IdempotencyConflict)]
    assert [mail_id is None for mail_id in batch.ids] == [False, True, True, False, False]
    assert batch.ids[3] == first
    assert worker.waiting("bulk") == 3


def test_a_batch_in_which_nothing_is_right_is_no_outage(mailer: Mailer) -> None:
    mailer.enqueue(MAIL, idempotency_key="k")
    batch = mailer.enqueue_many([{**MAIL, "body": f"{n}", "idempotency_key": "k"} for n in range(2)])

    assert [type(refusal.error) for refusal in batch.refused] == [IdempotencyConflict] * 2


def test_a_generator_is_handed_in_while_it_goes_on(mailer: Mailer, worker: Worker) -> None:
    count = 2 * BATCH + 1
    outcomes = mailer.enqueue_each({**MAIL, "subject": f"{number}"} for number in range(count))
    ids = [outcome.mail_id for outcome in outcomes]

    assert len(set(ids)) == worker.waiting("bulk") == count


def test_waiting_ends_with_the_result(mailer: Mailer, worker: Worker) -> None:
    mail_id = mailer.enqueue(MAIL)
    results: list[SendEmailResult] = []
    waiting = threading.Thread(target=lambda: results.append(mailer.wait(mail_id, timeout=20.0)))
    waiting.start()
    result = worker.settle(mail_id)
    waiting.join(10)

    assert results == [result]
    status = mailer.poll(mail_id)
    assert (status.state, status.code, status.message) == ("sent", 250, "said the server")


def test_waiting_ends_with_its_time(mailer: Mailer) -> None:
    mail_id = mailer.enqueue(MAIL)
    with pytest.raises(WaitTimeout) as caught:
        mailer.wait(mail_id, timeout=0.3)

    assert (caught.value.status.mail_id, caught.value.status.state) == (mail_id, "queued")


@pytest.mark.parametrize("mail_id", [NOBODY, "", "..", "a/b", "ä\n"], ids=ascii)
def test_a_mail_that_never_was_is_not_found(mailer: Mailer, mail_id: str) -> None:
    for call in (
        mailer.poll,
        mailer.cancel,
        lambda mail_id: mailer.wait(mail_id, timeout=1.0),
        lambda mail_id: mailer.resend(mail_id, MAIL),
    ):
        with pytest.raises(MailNotFound) as caught:
            call(mail_id)
        assert caught.value.mail_id == mail_id


def test_a_mail_that_waits_is_cancelled_and_one_that_has_ended_is_left(
    mailer: Mailer, worker: Worker
) -> None:
    waiting, sent = mailer.enqueue(MAIL), mailer.enqueue(MAIL)
    worker.settle(sent)

    assert [mailer.cancel(waiting).state for _ in range(2)] == ["cancelled", "cancelled"]
    assert mailer.poll(waiting).code == 650
    assert mailer.cancel(sent).state == "sent"


def test_a_mail_that_is_being_sent_is_neither_cancelled_nor_resent(mailer: Mailer, worker: Worker) -> None:
    mail_id = mailer.enqueue(MAIL)
    worker.begin(mail_id)

    for call in (lambda: mailer.cancel(mail_id), lambda: mailer.resend(mail_id, MAIL)):
        with pytest.raises(AlreadyOnItsWay) as caught:
            call()
        assert (caught.value.status.mail_id, caught.value.status.state) == (mail_id, "sending")


def test_a_mail_that_was_not_sent_is_sent_again_as_it_was(mailer: Mailer, worker: Worker) -> None:
    mail_id = mailer.enqueue(MAIL)
    worker.settle(mail_id, MailState.NOT_SENT)
    with pytest.raises(ParametersDiffer):
        mailer.resend(mail_id, MAIL, body="other")

    assert mailer.resend(mail_id, MAIL).state == "queued"
    assert worker.waiting("default") == 2


def test_a_mail_that_somebody_has_is_not_sent_again_by_mistake(mailer: Mailer, worker: Worker) -> None:
    sent, doubtful = mailer.enqueue(MAIL), mailer.enqueue(MAIL)
    worker.settle(sent)
    worker.settle(doubtful, MailState.UNKNOWN)
    with pytest.raises(AlreadySent):
        mailer.resend(sent, MAIL)
    with pytest.raises(WouldDouble):
        mailer.resend(doubtful, MAIL)

    assert mailer.resend(doubtful, MAIL, force=True).state == "queued"


@pytest.mark.parametrize("name", ["terms.pdf", 'odd; "näme".txt'], ids=ascii)
def test_stored_bytes_can_be_attached_under_their_name(mailer: Mailer, worker: Worker, name: str) -> None:
    reference = mailer.store_bytes(b"\x00content\r\n", name=name)
    mailer.enqueue(MAIL, attachments=[reference])
    digest, _, called = reference.removeprefix("stored:").partition("/")

    assert called == name
    assert BlobStore(worker.client).get(digest) == b"\x00content\r\n"


def test_tasks_of_an_event_loop_enqueue_together_and_wait_for_their_results(
    way: tuple[str, dict[str, Any]], worker: Worker
) -> None:
    url, options = way

    async def all_at_once() -> tuple[list[Any], list[Any]]:
        async with AsyncMailer(url, **options) as mailer:
            mails = [{**MAIL, "subject": f"{number}"} for number in range(20)]
            ids = await asyncio.gather(*map(mailer.enqueue, mails))
            conflict = mailer.enqueue(MAIL, idempotency_key="k")
            await conflict
            errors = await asyncio.gather(
                *(mailer.enqueue(MAIL, body=f"{n}", idempotency_key="k") for n in range(3)),
                mailer.wait(NOBODY, timeout=5.0),
                mailer.wait(ids[1], timeout=0.1),
                return_exceptions=True,
            )
            waiting = [asyncio.create_task(mailer.wait(ids[0], timeout=20.0)) for _ in range(10)]
            await asyncio.sleep(0)
            await asyncio.to_thread(worker.settle, ids[0])
            return errors, await asyncio.gather(*waiting)

    errors, results = asyncio.run(all_at_once())

    assert [type(error) for error in errors] == [IdempotencyConflict] * 3 + [MailNotFound, WaitTimeout]
    assert [result.code for result in results] == [250] * 10
    assert worker.waiting("default") == 21
