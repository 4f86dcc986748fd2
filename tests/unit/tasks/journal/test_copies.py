"""The journal's copy of a result is what Celery's own backend would have stored."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery, states
from celery.app.task import Context

from tasks.contract.queue import WORKER_SETTINGS
from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.copies import ResultCopies
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement
from tasks.send_email import Report
from worker import composition
from worker.settings import Settings

if TYPE_CHECKING:
    from redis import Redis

MAIL_ID = "8fcceefc-4fe0-4b71-987d-3986392a0988"

RESULT = SendEmailResult(
    success=False,
    code=550,
    message='5.1.1 "Grüße" 💌 \u2028\\',
    delivery=Delivery.PARTIAL,
    retryable=False,
    source="server",
    recipients=(
        RecipientOutcome(address="a***@example.org", state=RecipientState.SENT, code=250, message="ok"),
    ),
    metadata={"order": "7"},
)


@pytest.fixture
def backend() -> Any:
    return Celery("mail", backend="redis://nowhere.invalid/0", set_as_current=False).backend


def test_a_copy_is_field_by_field_what_celery_stores(backend: Any) -> None:
    _, _, entry = ResultCopies("prefix-", 60).now()
    copy = json.loads(entry % (RESULT.model_dump_json(), json.dumps(MAIL_ID)))
    request = Context(id=MAIL_ID, task="send_email")
    meta = backend._get_result_meta(Report(RESULT), states.SUCCESS, None, request)  # noqa: SLF001 (Celery's own)
    celerys = json.loads(backend.encode({**meta, "task_id": MAIL_ID}))

    done, celerys_done = (datetime.fromisoformat(each.pop("date_done")) for each in (copy, celerys))
    assert list(copy) == list(celerys)
    assert copy == celerys
    assert abs((done - celerys_done).total_seconds()) < 60
    assert done.utcoffset() == celerys_done.utcoffset()


def test_celery_reads_a_copy_as_a_result_of_its_own(backend: Any) -> None:
    _, _, entry = ResultCopies("prefix-", 60).now()
    meta = backend.decode_result((entry % (RESULT.model_dump_json(), json.dumps(MAIL_ID))).encode())

    assert meta["status"] == states.SUCCESS
    assert meta["result"] == RESULT.model_dump(mode="json")


def test_a_copy_stands_where_celery_looks_and_for_as_long(backend: Any) -> None:
    copies = composition._copies(Settings(trims=True))  # noqa: SLF001 (what a worker has)
    assert copies is not None
    prefix, lifetime, _ = copies.now()

    assert (prefix + MAIL_ID).encode() == backend.get_key_for_task(MAIL_ID)
    assert lifetime == WORKER_SETTINGS["result_expires"]


def test_each_result_of_a_run_is_copied_under_its_mails_id_as_it_is(redis: Redis) -> None:
    """Also where a server's text looks like the holes that the results are put into, or an id is no UUID."""
    journal = Journal(redis, copies=ResultCopies("prefix-", 60))
    ids = ("a", "b", 'order "7" \\n', "grüße/%s")
    results = {each: RESULT.model_copy(update={"message": f"100 %s %d %% of {each}"}) for each in ids}
    journal.accept([Entry(each, "default", "{}") for each in results])
    claims = [claim for claim in journal.begin(list(results)) if isinstance(claim, Claim)]

    kept = journal.finish(
        [Settlement.of(c, MailState.PARTIAL, r) for c, r in zip(claims, results.values(), strict=True)]
    )

    assert kept == [True] * len(ids)
    for each, result in results.items():
        stored = json.loads(redis.get(f"prefix-{each}") or b"")
        assert (stored["task_id"], stored["result"]) == (each, result.model_dump(mode="json"))
        assert 0 < redis.ttl(f"prefix-{each}") <= 60


def test_a_mark_leaves_no_copy(redis: Redis) -> None:
    journal = Journal(redis, copies=ResultCopies("prefix-", 60))
    journal.accept([Entry("a", "default", "{}")])
    [claim] = journal.begin(["a"])
    assert isinstance(claim, Claim)

    assert journal.mark([claim], ["[]"]) == [True]
    assert redis.keys("prefix-*") == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"trims": False},
        {"result_backend": "redis://other/0"},
        {"journal_url": "redis://other/0", "result_backend": "redis://third/0"},
    ],
)
def test_nothing_is_copied_without_trims_or_into_another_redis(elsewhere: dict[str, Any]) -> None:
    assert composition._copies(Settings.model_validate(elsewhere)) is None  # noqa: SLF001 (as above)
