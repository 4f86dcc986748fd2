"""The client against a journal and a broker in this process, or against none at all."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import pytest

from producers.client import Mailer
from producers.errors import (
    AlreadyOnItsWay,
    AlreadySent,
    IdempotencyConflict,
    MailNotFound,
    ParametersDiffer,
    PostroomError,
    QueueUnavailable,
    WaitTimeout,
    WouldDouble,
)
from producers.waiting import waiting
from tasks.contract.errors import InvalidInput
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState, MailStatus

MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "s", "body": "b"}
SENT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)


@pytest.fixture
def nowhere() -> Mailer:
    """A client whose broker is not there: nothing listens on port 1."""
    return Mailer("redis://127.0.0.1:1/0")


def status(result: SendEmailResult | None = None) -> MailStatus:
    return MailStatus(mail_id="m", state=MailState.SENT if result else MailState.QUEUED, result=result)


def test_wrong_parameters_are_refused_before_anything_is_reached(nowhere: Mailer) -> None:
    with pytest.raises(InvalidInput) as caught:
        nowhere.enqueue(to="", subject="", body="b")

    assert {error.field for error in caught.value.errors} == {"to", "subject"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"lane": "urgent"}, "lane"),
        ({"send_at": "tomorrow"}, "send_at"),
        ({"send_at": datetime(2030, 1, 1)}, "send_at"),  # noqa: DTZ001 (the point)
    ],
    ids=["unknown lane", "no moment", "no time zone"],
)
def test_a_wrong_option_is_refused_like_a_parameter(nowhere: Mailer, options: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        nowhere.enqueue(MAIL, **options)

    assert [error.field for error in caught.value.errors] == [field]


def test_celerys_own_variables_do_not_lead_mails_elsewhere(
    nowhere: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere:2")
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://elsewhere:3")

    connection = nowhere.outbox._app.connection_for_write()  # noqa: SLF001 (there is no other way to see it)

    assert (connection.hostname, connection.port) == ("127.0.0.1", 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda mailer: mailer.enqueue(MAIL),
        lambda mailer: mailer.enqueue_many([MAIL]),
        lambda mailer: mailer.poll("m"),
        lambda mailer: mailer.wait("m", timeout=5.0),
        lambda mailer: mailer.cancel("m"),
        lambda mailer: mailer.resend("m", MAIL),
        lambda mailer: mailer.store_bytes(b"", name="a"),
    ],
    ids=["enqueue", "enqueue_many", "poll", "wait", "cancel", "resend", "store_bytes"],
)
def test_a_queue_that_is_away_is_said_within_a_second(nowhere: Mailer, call: Any) -> None:
    started = time.monotonic()

    with pytest.raises(QueueUnavailable):
        call(nowhere)

    assert time.monotonic() - started < 1.0


def test_waiting_looks_at_once_and_then_less_and_less_often() -> None:
    steps = waiting(60.0)

    pauses = [next(steps), *(steps.send(status()) for _ in range(12))]

    assert pauses[0] == 0.0
    assert pauses[1:] == sorted(pauses[1:])
    assert max(pauses) == 0.5


def test_waiting_ends_with_the_result() -> None:
    steps = waiting(60.0)
    next(steps)

    with pytest.raises(StopIteration) as done:
        steps.send(status(SENT))

    assert done.value.value == SENT


def test_waiting_ends_with_its_time_and_says_where_the_mail_stood() -> None:
    steps = waiting(0.0)
    next(steps)

    with pytest.raises(WaitTimeout) as caught:
        steps.send(status())

    assert caught.value.status.state is MailState.QUEUED


@pytest.mark.parametrize(
    "error",
    [
        QueueUnavailable("away"),
        IdempotencyConflict("m"),
        MailNotFound("m"),
        WaitTimeout(status()),
        AlreadyOnItsWay(status()),
        AlreadySent("m"),
        ParametersDiffer("m"),
        WouldDouble("m"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_between_processes(error: PostroomError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_importing_the_client_loads_nothing_of_the_sending_side() -> None:
    code = "import sys, producers.client, producers.async_client; print(*sys.modules)"

    loaded = subprocess.run(  # noqa: S603 (our own line)
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"smtplib", "tenacity", "worker", "tasks.smtp", "tasks.delivery", "tasks.message"} & set(
        loaded
    )
