"""What is done is acknowledged once, over the channel it came by, and told as what it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery.worker import state

from tasks.contract.result import Delivery, SendEmailResult
from tasks.delivery.job import Job, LeftAlone, PutBack, Settled
from worker.dispatch.conclusion import conclude, flush_events, is_current, put_back
from worker.dispatch.items import Errand, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.worker.dispatch.conftest import Channel, Eventer


def settled(code: int, delivery: Delivery = Delivery.NOT_SENT) -> Settled:
    success = delivery is Delivery.SENT
    return Settled(
        SendEmailResult(
            success=success,
            code=code,
            message="as it is",
            delivery=delivery,
            retryable=False,
            source="server",
        )
    )


@pytest.mark.parametrize(
    ("verdict", "kind", "fields"),
    [
        (settled(250, Delivery.SENT), "task-succeeded", {"result": "sent: 250 as it is", "runtime": 1.5}),
        (
            settled(550),
            "task-failed",
            {"exception": "not_sent: 550 as it is", "traceback": "", "runtime": 1.5},
        ),
        (
            settled(690, Delivery.UNKNOWN),
            "task-failed",
            {"exception": "unknown: 690 as it is", "traceback": "", "runtime": 1.5},
        ),
        (settled(650), "task-revoked", {"terminated": False, "signum": None, "expired": False}),
        (PutBack(451, "later", 9.0), "task-retried", {"exception": "451 later", "traceback": ""}),
    ],
    ids=["sent", "not sent", "unknown", "cancelled", "put back"],
)
def test_monitors_are_told_of_each_end_as_what_it_is(
    verdict: Any, kind: str, fields: dict[str, Any], errand: Callable[..., Errand], eventer: Eventer
) -> None:
    conclude([Outcome(errand("m"), verdict, 1.5)])

    assert eventer.events == [{"type": kind, "uuid": "m", **fields}]


def fail(*_: Any, **__: Any) -> None:
    """Do what nobody expects."""
    raise ValueError("canary")


def test_what_cannot_be_concluded_costs_no_other(
    errand: Callable[..., Errand],
    channel: Channel,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = errand("bad"), errand("good")
    monkeypatch.setattr(bad.request, "_on_ack", fail)
    conclude(
        [Outcome(bad, settled(250, Delivery.SENT), 0.1), Outcome(good, settled(250, Delivery.SENT), 0.1)]
    )

    assert channel.acknowledged == ["tag of good"]
    assert "not concluded" in caplog.text
    assert "canary" not in caplog.text


def test_of_a_mail_that_is_somebody_elses_nothing_is_told(
    errand: Callable[..., Errand], eventer: Eventer, channel: Channel
) -> None:
    conclude([Outcome(errand("m"), LeftAlone("busy"), 0.1)])

    assert eventer.events == []
    assert channel.acknowledged == ["tag of m"]


def test_each_message_is_acknowledged_once(errand: Callable[..., Errand], channel: Channel) -> None:
    outcome = Outcome(errand("m"), settled(250), 0.1)
    conclude([outcome, Outcome(errand("n"), settled(250), 0.1)])
    conclude([outcome])

    assert channel.acknowledged == ["tag of m", "tag of n"]


def test_a_request_that_is_done_is_active_no_more(errand: Callable[..., Errand]) -> None:
    found = errand("m")
    state.task_reserved(found.request)
    state.active_requests.add(found.request)
    conclude([Outcome(found, settled(250), 0.1)])

    assert found.request not in state.active_requests
    assert found.request not in state.reserved_requests
    assert found.request.id not in state.requests


@pytest.mark.parametrize(
    "channel_of_before",
    [None, SimpleNamespace(closed=True, connection="c"), SimpleNamespace(closed=False, connection=None)],
    ids=["none", "closed", "of a connection that is gone"],
)
def test_a_message_of_an_earlier_connection_is_neither_acknowledged_nor_given_back(
    channel_of_before: Any, errand: Callable[..., Errand], channel: Channel, eventer: Eventer
) -> None:
    """Under its tag somebody else has it since; monitors are told all the same."""
    outcome = Outcome(errand("m", channel=channel_of_before), settled(250, Delivery.SENT), 0.1)
    conclude([outcome])
    put_back([outcome])

    assert not is_current(outcome.errand.request)
    assert (channel.acknowledged, channel.given_back) == ([], [])
    assert [event["type"] for event in eventer.events] == ["task-succeeded"]


def test_what_could_not_be_stored_goes_back_to_the_broker(
    errand: Callable[..., Errand], channel: Channel
) -> None:
    put_back([Outcome(errand("m"), settled(250), 0.1)])

    assert (channel.acknowledged, channel.given_back) == ([], ["tag of m"])


def test_what_cannot_be_put_back_keeps_no_other_from_it(
    errand: Callable[..., Errand],
    channel: Channel,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = errand("bad"), errand("good")
    monkeypatch.setattr(bad.request, "_on_reject", fail)
    put_back([Outcome(bad, settled(250), 0.1), Outcome(good, settled(250), 0.1)])

    assert channel.given_back == ["tag of good"]
    assert ("not put back" in caplog.text, "canary" in caplog.text) == (True, False)


def test_at_the_end_each_dispatcher_is_flushed_once(errand: Callable[..., Errand], eventer: Eventer) -> None:
    flush_events([Outcome(errand(mail_id), settled(250), 0.1) for mail_id in "abc"])

    assert eventer.flushed == 1


def test_a_lean_request_is_acknowledged_and_told_of_without_a_message(
    lean: Callable[..., Any], channel: Channel, eventer: Eventer
) -> None:
    requests = [lean("a"), lean("b")]
    outcomes = [
        Outcome(Errand(request, Job(request.id, "bulk", {}), "way", "bulk"), verdict, 0.5)
        for request, verdict in zip(requests, (settled(250, Delivery.SENT), settled(550)), strict=True)
    ]
    conclude(outcomes)
    conclude(outcomes[:1])

    assert channel.acknowledged == ["tag of a", "tag of b"]
    assert [(event["type"], event["uuid"]) for event in eventer.events[:2]] == [
        ("task-succeeded", "a"),
        ("task-failed", "b"),
    ]
    assert channel.written_out == 0


def test_a_lean_request_whose_result_could_not_be_stored_goes_back(
    lean: Callable[..., Any], channel: Channel
) -> None:
    put_back([Outcome(Errand(lean(), Job("m", "bulk", {}), "way", "bulk"), settled(250), 0.1)])

    assert (channel.acknowledged, channel.given_back) == ([], ["tag of m"])


def test_a_task_that_sends_no_events_tells_nothing(
    errand: Callable[..., Errand], eventer: Eventer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = errand("m")
    monkeypatch.setattr(type(found.request.task), "send_events", False)
    conclude([Outcome(found, settled(250), 0.1)])

    assert eventer.events == []
