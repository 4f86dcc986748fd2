"""No message ends the worker: what cannot be taken goes into quarantine, and is acknowledged only then."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker.consumer import Consumer
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError

from worker.consumer import SafeConsumer
from worker.dispatch.strategy import Mails
from worker.pulse import Pulse
from worker.trims.channel import Fetched, FetchingChannel

SOUND = {"task": "send_email", "id": "m"}


@dataclass
class Message:
    """A message as kombu gives it to the consumer; *events* is what became of it."""

    headers: dict[str, Any] = field(default_factory=lambda: dict(SOUND))
    payload: Any = field(default_factory=lambda: [[], {}, {}])
    properties: dict[str, Any] = field(default_factory=dict)
    delivery_info: dict[str, Any] = field(default_factory=lambda: {"routing_key": "bulk"})
    body: bytes | str = b"[[], {}, {}]"
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    events: list[Any] = field(default_factory=list)
    _raw: Any = None

    @property
    def acknowledged(self) -> bool:
        return "acknowledged" in self.events

    def ack_log_error(self, *_: Any) -> None:
        self.events.append("acknowledged")

    def reject_log_error(self, *_: Any, requeue: bool) -> None:
        self.events.append("put back" if requeue else "rejected")


@dataclass
class Sieve:
    """A quarantine that notes, in the order of events, what it is given."""

    events: list[Any]
    is_away: bool = False
    raws: list[bytes] = field(default_factory=list)

    def set_aside(self, raw: bytes, *, lane: str, reason: str) -> None:
        if self.is_away:
            raise RedisAway
        self.raws.append(raw)
        self.events.append((lane, reason))


@dataclass
class Backend:
    failures: list[tuple[Any, str]] = field(default_factory=list)

    def mark_as_failure(self, task_id: Any, error: Exception, **_: Any) -> None:
        self.failures.append((task_id, str(error)))


def consumer(message: Message, **options: Any) -> SafeConsumer:
    """A consumer without a connection."""
    found = SafeConsumer.__new__(SafeConsumer)
    found.pulse = Pulse()
    found.strategies = {}
    found.task_consumer = SimpleNamespace(channel=None)
    found.app = SimpleNamespace(sieve=Sieve(message.events, **options), backend=Backend())
    # As kombu has it: where a connection broke, it may have forgotten what something belongs to.
    found.connection_errors, found.channel_errors = (ConnectionResetError, KeyError), (ResponseError,)
    return found


def take(message: Message, celerys: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> SafeConsumer:
    """Let a consumer receive *message*, which Celery's own handler takes as *celerys* does."""
    monkeypatch.setattr(Consumer, "create_task_handler", lambda *_: celerys)
    found = consumer(message, **options)
    found.create_task_handler()(message)
    return found


def raising(error: Exception) -> Any:
    def handler(_: Message) -> None:
        raise error

    return handler


def test_a_sound_message_is_celerys(monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message()
    found = take(message, lambda m: m.events.append("taken"), monkeypatch)

    assert message.events == ["taken"]
    assert found.pulse.taken == 1


def test_an_unsound_one_is_set_aside_before_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message(payload=7)
    take(message, lambda m: m.events.append("taken"), monkeypatch)

    assert message.events == [
        ("bulk", "body: must be a list of arguments, keyword arguments and what is to follow"),
        "acknowledged",
    ]


@pytest.mark.parametrize("error", [AttributeError, KeyError])
def test_what_nobody_has_foreseen_is_set_aside_by_name_only(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message()
    take(message, raising(error("canary")), monkeypatch)

    assert message.events == [("bulk", f"cannot be taken up ({error.__name__})"), "acknowledged"]


@pytest.mark.parametrize("error", [AttributeError, KeyError])
def test_a_message_that_is_acknowledged_is_not_set_aside_as_well(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    message = Message()

    def acknowledge_and_fail(_: Message) -> None:
        message.ack_log_error()
        raise error("canary")

    take(message, acknowledge_and_fail, monkeypatch)

    assert message.events == ["acknowledged"]
    assert ("message not seen through" in caplog.text, "canary" in caplog.text) == (True, False)


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), ResponseError("OOM")], ids=["connection", "channel"]
)
def test_a_broker_that_is_away_is_no_fault_of_the_message(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message()
    with pytest.raises(type(error)):
        take(message, raising(error), monkeypatch)

    assert message.events == []


def test_while_the_quarantine_is_away_the_message_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message(payload=7)
    take(message, None, monkeypatch, is_away=True)

    assert message.events == ["put back"]


def test_celerys_own_refusals_are_set_aside_too() -> None:
    message = Message()
    found = consumer(message)
    found.on_decode_error(message, ValueError("canary"))
    found.on_unknown_message(None, message)
    found.on_invalid_task(None, message, KeyError("canary"))

    assert message.events[::2] == [
        ("bulk", "body: cannot be decoded (ValueError)"),
        ("bulk", "headers.task: is missing"),
        ("bulk", "is no request (KeyError)"),
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message(),
        Message(headers={}, payload={**SOUND, "args": []}),
        Message(headers={"task": "send_email"}, payload={"id": "m", "args": []}),
    ],
    ids=["protocol 2", "protocol 1", "between the two"],
)
def test_whoever_waits_for_an_unknown_task_is_told(message: Message) -> None:
    found = consumer(message)
    found.on_unknown_task(None, message, KeyError("send_email"))

    assert message.events == [("bulk", "headers.task: this worker has no such task"), "acknowledged"]
    assert [task_id for task_id, _ in found.app.backend.failures] == ["m"]


def test_an_entry_of_redis_is_kept_as_it_was() -> None:
    message = Message(_raw={"body": "W10=", "headers": {}})
    found = consumer(message)
    found.on_unknown_message(None, message)

    assert json.loads(found.app.sieve.raws[0]) == {"body": "W10=", "headers": {}}


def test_a_message_of_another_broker_is_kept_in_the_same_form() -> None:
    message = Message(properties={"timestamp": object()}, delivery_info={})
    found = consumer(message)
    found.on_unknown_message(None, message)
    kept = json.loads(found.app.sieve.raws[0])

    assert base64.b64decode(kept["body"]) == message.body
    assert kept["headers"] == SOUND
    assert kept["properties"]["body_encoding"] == "base64"
    assert message.events[0] == ("", "headers.task: is missing")


class Broken:
    """A connection whose server died, as kombu 5.7 leaves it."""

    def __init__(self) -> None:
        self.attempts = 0
        self.connection_errors = self.channel_errors = (ConnectionError,)

    def collect(self, **_: Any) -> None:
        """Forget it."""

    def close(self) -> None:
        self.attempts += 1
        raise AttributeError("'NoneType' object has no attribute 'hostname'")


@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_a_connection_that_cannot_even_be_closed_does_not_end_the_worker(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.worker.consumer.consumer.bound_open_broker_sockets", lambda *_: None)
    found = consumer(Message())
    found.connection = broken = Broken()
    conf = {"worker_cancel_long_running_tasks_on_connection_loss": False}
    found.app.conf = SimpleNamespace(**conf, worker_enable_prefetch_count_reduction=False)
    found.on_connection_error_after_connected(ConnectionError("gone"))

    assert broken.attempts == 1
    assert found.connection is None
    assert "connection not closed in order" in caplog.messages


def fetching(found: SafeConsumer, monkeypatch: pytest.MonkeyPatch) -> FetchingChannel:
    """Have *found* consume from a channel that fetches, without a connection."""
    monkeypatch.setattr(Consumer, "create_task_handler", lambda *_: None)
    channel = FetchingChannel.__new__(FetchingChannel)
    found.task_consumer = SimpleNamespace(channel=channel)
    found.create_task_handler()
    return channel


def test_ordinary_mails_take_the_short_cut_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = consumer(Message())
    channel = fetching(found, monkeypatch)

    def take(_: Mails, by: Any, fetched: list[Fetched]) -> list[Fetched]:
        assert by is channel
        return fetched[:1]

    monkeypatch.setattr(Mails, "take_fetched", take)
    found.strategies["send_email"] = Mails.__new__(Mails)
    mails = [Fetched(tag, "bulk", b"") for tag in "abc"]

    assert channel.short_cut(mails) == mails[:1]
    assert found.pulse.taken == 2


def test_without_a_strategy_of_ours_there_is_no_short_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    found = consumer(Message())
    channel = fetching(found, monkeypatch)
    mails = [Fetched("a", "bulk", b"")]

    assert channel.short_cut(mails) == mails
    assert found.pulse.taken == 0
