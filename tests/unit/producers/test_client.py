"""The client against a journal and a broker in this process, or against none at all."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from producers.client import Mailer
from producers.errors import (
    AlreadyOnItsWay,
    AlreadySent,
    GatewayError,
    IdempotencyConflict,
    KeyRejected,
    MailNotFound,
    NotAllowed,
    ParametersDiffer,
    PostroomError,
    QueueUnavailable,
    RateLimited,
    WaitTimeout,
    WouldDouble,
)
from producers.waiting import waiting
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
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


def test_many_of_which_none_is_right_are_refused_before_anything_is_reached(nowhere: Mailer) -> None:
    wrong = [{"to": "", "subject": "s", "body": "b"}] * 250

    batch = nowhere.enqueue_many(wrong)

    assert [refused.index for refused in batch.refused] == list(range(250))
    assert batch.ids == (None,) * 250
    assert nowhere.enqueue_many([]).ids == ()


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

    post: Any = nowhere.post
    connection = post.outbox._app.connection_for_write()  # noqa: SLF001 (there is no other way to see it)

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
        RateLimited(2.0),
        KeyRejected(),
        GatewayError("what"),
        NotAllowed((FieldError("to", "To", LocalCode.POLICY, "what", "why"),)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_between_processes(error: PostroomError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_a_file_that_is_too_large_for_any_mail_is_not_read_to_its_end(nowhere: Mailer) -> None:
    with pytest.raises(InvalidInput) as caught:
        nowhere.store_attachment(Path("/dev/zero"))

    [error] = caught.value.errors
    assert (error.field, error.code, error.problem) == ("attachments", 601, "has more than 40 MiB")


def loaded_by(code: str) -> set[str]:
    line = [
        sys.executable,
        "-c",
        f"import sys, producers.client, producers.async_client; {code}; print(*sys.modules)",
    ]
    return set(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split())  # noqa: S603 (our own line)


def test_importing_the_client_loads_nothing_of_the_sending_side() -> None:
    assert loaded_by("pass").isdisjoint(
        {"smtplib", "tenacity", "worker", "tasks.smtp", "tasks.delivery", "tasks.message"}
    )


def test_a_client_loads_only_what_its_own_way_needs() -> None:
    queue, http = {"celery", "kombu", "redis"}, {"httpx", "httpcore"}

    assert loaded_by("pass").isdisjoint(queue | http)
    assert loaded_by("producers.client.Mailer('redis://127.0.0.1:1/0')").isdisjoint(http)
    assert loaded_by("producers.client.Mailer('http://127.0.0.1:1', key='k')").isdisjoint(queue)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://canary.example.org", "use https://"),
        ("http://10.0.0.1:8080", "use https://"),
        ("https://canary:canary@example.org", "neither a login nor a query"),
        ("https://example.org/?key=canary", "neither a login nor a query"),
        ("https://", "is no URL of a gateway"),
        ("https://canary:port", "is no URL of a gateway"),
        ("https://exa mple.org", "is no URL of a gateway"),
    ],
)
def test_a_url_that_would_show_the_key_or_is_none_is_refused_and_not_repeated(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Mailer(url, key="k")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/", "HTTP://127.1.2.3", "http://[::1]:1/post"])
def test_this_machine_is_reached_without_tls(url: str) -> None:
    Mailer(url, key="k").close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs an API key"),
        ({"key": "  "}, "expected what `postroom key create` printed"),
        ({"key": "canary\r\nX-Other: 1"}, "expected what `postroom key create` printed"),
        ({"key": "k", "sealing_keys": ["canary"]}, "the gateway's own"),
        ({"key": "k", "journal_url": "redis://canary"}, "the gateway's own"),
    ],
    ids=["no key", "blank", "two lines", "sealing key", "journal"],
)
def test_what_does_not_go_with_a_gateway_is_refused_and_not_repeated(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Mailer("https://example.org", **options)

    assert "canary" not in str(caught.value)


def test_a_key_does_not_go_with_a_broker() -> None:
    with pytest.raises(ValueError, match="goes with the https:// URL of a gateway"):
        Mailer("redis://127.0.0.1:1/0", key="k")
