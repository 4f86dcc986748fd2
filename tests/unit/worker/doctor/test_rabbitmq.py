"""Whether a RabbitMQ can be the queue."""

from __future__ import annotations

import pytest

from worker.doctor.findings import Status
from worker.doctor.rabbitmq import judged, rabbitmq
from worker.settings import Settings

JOURNAL = "redis://127.0.0.1:1/0"


def test_a_redis_is_no_rabbitmq() -> None:
    assert list(rabbitmq(Settings(broker_url=JOURNAL))) == []


def test_a_node_that_is_down_is_told_without_the_password() -> None:
    settings = Settings(broker_url="amqp://postroom:canary@127.0.0.1:1//", journal_url=JOURNAL)
    findings = {finding.check: finding for finding in rabbitmq(settings)}

    assert findings["reachable"].status is Status.ERROR
    assert findings["password"].is_fine
    assert "canary" not in repr(findings)


@pytest.mark.parametrize("login", ["", "guest:guest@"], ids=["unsaid", "said"])
def test_the_user_whom_everybody_knows_is_an_error(login: str) -> None:
    found = rabbitmq(Settings(broker_url=f"amqp://{login}127.0.0.1:1//", journal_url=JOURNAL))

    assert next(f for f in found if f.check == "password").status is Status.ERROR


@pytest.mark.parametrize(
    ("version", "status"),
    [("3.10.8", Status.OK), ("4.1.0", Status.OK), ("3.7.2", Status.WARNING), ("", Status.WARNING)],
)
def test_a_node_that_was_not_tested_is_a_warning(version: str, status: Status) -> None:
    assert judged(version, "node").status is status
