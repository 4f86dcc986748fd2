"""Ordinary mails are read in one go, and as the long way would read them; all others are left to it."""

from __future__ import annotations

import base64
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu import Connection
from kombu.transport.virtual import Message

from producers.stencils import cut
from worker import ordinary
from worker.envelopes import Sound, examine
from worker.ordinary import Ordinary, read_ordinary
from worker.requests import check

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETERS = {"to": "ann@example.org", "subject": "Grüße 💌"}


@pytest.fixture(scope="module")
def app() -> Celery:
    """A program on the queue that has nothing of ours."""
    return Celery("shop", broker="memory://ordinary", set_as_current=False)


@pytest.fixture
def by_name(app: Celery) -> Callable[..., dict[str, Any]]:
    """Has Celery publish a mail, and returns the entry."""

    def publish(task: str = "send_email", **options: Any) -> dict[str, Any]:
        app.send_task(task, **{"kwargs": PARAMETERS, "queue": "bulk", "task_id": "m", **options})
        with Connection("memory://ordinary") as connection:
            channel: Any = connection.default_channel
            entry: dict[str, Any] = channel._get("bulk")  # noqa: SLF001 (the entry as it lies in the queue)
            return entry

    return publish


def raw(entry: Any) -> bytes:
    return json.dumps(entry).encode()


def test_what_celery_publishes_by_name_is_ordinary(by_name: Callable[..., Any]) -> None:
    """Or a new release of Celery would send all mails the long way, and nobody would notice."""
    assert read_ordinary(raw(by_name())) == Ordinary("m", "m", PARAMETERS)


def test_what_a_mailer_publishes_is_ordinary(app: Celery) -> None:
    assert read_ordinary(cut(app, "bulk").fill("m", json.dumps(PARAMETERS))) == Ordinary("m", "m", PARAMETERS)


def test_positional_arguments_are_kept_for_validation_to_name_them(by_name: Callable[..., Any]) -> None:
    found = read_ordinary(raw(by_name(args=["ann@example.org"])))

    assert found is not None
    assert found.parameters == {"args": ["ann@example.org"], **PARAMETERS}


@pytest.mark.parametrize(
    "asked",
    [
        {"countdown": 60},
        {"expires": 60},
        {"group_id": "g"},
        {"retries": 1},
        {"shadow": "other"},
        {"time_limit": 60},
        {"headers": {"stamped_headers": ["s"], "stamps": {"s": "1"}}},
        {"headers": {"own": "header"}},
        {"task": "celery.ping"},
        {"compression": "gzip"},
        {"link": {"task": "x", "args": [], "kwargs": {}, "options": {}}},
        {"chain": [{"task": "x", "args": [], "kwargs": {}, "options": {}}]},
        {"serializer": "yaml"},
    ],
    ids=str,
)
def test_what_asks_more_of_celery_is_not_ordinary(asked: dict[str, Any], by_name: Callable[..., Any]) -> None:
    assert read_ordinary(raw(by_name(**asked))) is None


@pytest.mark.parametrize(
    "entry",
    [b"", b"null", b"[]", b"{}", b"\xff", b"{" * 100_000, b'{"headers": NaN}'],
    ids=["nothing", "null", "list", "empty", "no text", "deep", "NaN"],
)
def test_what_is_no_message_is_not_ordinary(entry: bytes) -> None:
    assert read_ordinary(entry) is None


def test_an_entry_that_is_too_large_is_not_even_read(
    by_name: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = raw(by_name())
    monkeypatch.setattr(ordinary, "MAX_ENTRY", len(entry) - 1)

    assert read_ordinary(entry) is None


@pytest.mark.parametrize(
    "body",
    [
        *("[[], {}]", "[{}, {}, null]", "[[], [], null]", "[[], {}, []]", "7", "x"),
        '[[], {"a": "\\ud800"}, null]',
        '[[], {"at": {"__type__": "datetime", "__value__": "2030-01-01T00:00:00"}}, null]',
    ],
)
def test_a_body_that_kombu_or_celery_must_look_at_is_not_ordinary(
    body: str, by_name: Callable[..., Any]
) -> None:
    entry = by_name()
    for encoding, text in (("utf-8", body), ("base64", base64.b64encode(body.encode()).decode())):
        entry["body"], entry["properties"]["body_encoding"] = text, encoding

        assert read_ordinary(raw(entry)) is None


def places(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of all that an entry says."""
    inner = (
        [place for name in value for place in places(value[name], (*path, name))]
        if isinstance(value, dict)
        else []
    )
    return [path, *inner] if path else inner


def test_nothing_is_ordinary_that_the_long_way_would_refuse_or_read_otherwise(
    by_name: Callable[..., Any],
) -> None:
    """One thing at a time is replaced by whatever JSON has."""
    sound, passed = by_name(), 0
    for place in places(sound):
        for value in (
            None,
            "",
            "x",
            "\x00",
            "x" * 300,
            0,
            1,
            -1.5,
            True,
            [],
            [None, None],
            [{}],
            {},
            {"a": 1},
        ):
            entry = copy.deepcopy(sound)
            inner = entry
            for name in place[:-1]:
                inner = inner[name]
            inner[place[-1]] = value
            found = read_ordinary(raw(entry))
            if found is None:
                continue
            passed += 1
            verdict = examine(raw(entry), lane="bulk")
            assert isinstance(verdict, Sound), place
            message = Message(verdict.payload, channel=Connection("memory://").default_channel)
            check(message)
            assert (message.headers["id"], message.payload[1]) == (found.mail_id, found.parameters)

    assert passed > 20, "or nothing was compared"
