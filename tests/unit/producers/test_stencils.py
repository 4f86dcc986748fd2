"""Filled-in messages against Celery's own, which are caught in the same way and differ in nothing."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from celery import signals
from kombu import Connection

from producers import stencils
from producers.app import producer_app, send
from producers.stencils import Stencils, cut
from tasks.contract.names import Lane
from tasks.journal.entries import Entry

if TYPE_CHECKING:
    from celery import Celery

PAYLOAD = json.dumps({"to": ["ann@example.org"], "subject": '%s %(id)s "quoted"', "body": "Grüße\n\x00 {…}"})


@pytest.fixture
def app() -> Celery:
    return producer_app("redis://127.0.0.1:1/0")


def celerys_own(app: Celery, mail_id: str, payload: str, lane: str) -> dict[str, Any]:
    with Connection(transport=stencils._Catching) as connection:  # noqa: SLF001 (the same net for both)
        channel: Any = connection.channel()
        send(app, app.amqp.Producer(channel), mail_id=mail_id, payload=payload, lane=lane)
        caught: dict[str, Any] = channel.caught
    return caught


def opened(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with its body decoded and without its delivery tag, which no two have in common."""
    properties = {name: value for name, value in message["properties"].items() if name != "delivery_tag"}
    return {**message, "properties": properties, "body": json.loads(message["body"])}


@pytest.mark.parametrize("lane", list(Lane), ids=str)
def test_a_filled_message_is_celerys_own_field_by_field(app: Celery, lane: Lane) -> None:
    filled = json.loads(cut(app, lane).fill("the-id", PAYLOAD))
    own = json.loads(json.dumps(celerys_own(app, "the-id", PAYLOAD, lane)))

    assert opened(filled) == opened(own)
    assert list(filled) == list(own)
    assert filled["headers"]["id"] == filled["headers"]["root_id"] == "the-id"
    assert opened(filled)["body"][1] == json.loads(PAYLOAD)
    assert filled["properties"]["body_encoding"] == "utf-8"
    assert filled["properties"]["delivery_info"]["routing_key"] == lane.value


def test_each_message_has_a_delivery_tag_of_its_own(app: Celery) -> None:
    filled = Stencils(app).fill([Entry("m", "bulk", "{}"), Entry("m", "bulk", "{}")])

    tags = {json.loads(message)["properties"]["delivery_tag"] for message in filled}

    assert len(tags) == 2


def test_a_forked_process_names_itself(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Stencils(app)
    [before] = one.fill([Entry("m", "bulk", "{}")])
    monkeypatch.setattr(os, "getpid", lambda: 4711)
    [after] = one.fill([Entry("m", "bulk", "{}")])

    assert b"gen4711@" not in before
    assert b"gen4711@" in after


@pytest.mark.parametrize("name", ["before_task_publish", "after_task_publish"])
def test_where_somebody_listens_to_publishing_celery_makes_the_messages(app: Celery, name: str) -> None:
    def listener(**_: object) -> None:
        pass

    signal = getattr(signals, name)
    signal.connect(listener)
    try:
        filled = Stencils(app).fill([Entry("m", "bulk", "{}")])
    finally:
        signal.disconnect(listener)

    assert filled == []
    assert Stencils(app).fill([Entry("m", "bulk", "{}")]) != []


def test_in_a_task_celery_makes_the_messages_which_then_name_it(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(app), "current_worker_task", object())

    assert Stencils(app).fill([Entry("m", "bulk", "{}")]) == []
