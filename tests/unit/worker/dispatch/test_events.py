"""Task events go many at a time, and are what Celery would send."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu import Connection
from kombu.utils import json as kombus

from worker.dispatch import events as module
from worker.dispatch.events import GroupedDispatcher, GroupedEvents, Told, tell, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.worker.dispatch.conftest import Eventer

FIELDS: dict[str, Any] = {
    "uuid": "m",
    "name": "send_email",
    "retries": 0,
    "runtime": 0.25,
    "eta": None,
    "result": 'sent: 250 2.0.0 Grüße 💌 \u2028 \\ " \x07',
    "big": 2**53,
}


class Producer:
    """Notes what is published."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.published: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def publish(self, body: Any, **options: Any) -> None:
        self.published.append({"body": body, **options})


@pytest.fixture
def dispatcher() -> Iterator[Any]:
    app = Celery("mail", set_as_current=False, broker="memory://", events=f"{module.__name__}:GroupedEvents")
    with Connection("memory://") as connection:
        found: Any = app.events.Dispatcher(connection, hostname="w@h", buffer_group={"task"})
        found.producer = Producer(found.producer)
        yield found


def sent(dispatcher: Any) -> list[dict[str, Any]]:
    return dispatcher.producer.published


def test_an_app_of_ours_has_grouped_dispatchers(dispatcher: Any) -> None:
    assert isinstance(dispatcher, GroupedDispatcher)
    assert isinstance(dispatcher.app.events, GroupedEvents)


def test_task_events_are_kept_until_they_are_flushed_and_go_together(dispatcher: Any) -> None:
    for number in range(40):
        dispatcher.send("task-received", uuid=str(number))
    assert sent(dispatcher) == []
    dispatcher.flush()
    [message] = sent(dispatcher)

    assert message["routing_key"] == "task.multi"
    assert [event["uuid"] for event in json.loads(message["body"])] == [str(number) for number in range(40)]
    dispatcher.flush()
    assert len(sent(dispatcher)) == 1


def test_so_many_go_at_once(dispatcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    for number in range(7):
        dispatcher.send("task-received", uuid=str(number))

    assert [len(json.loads(message["body"])) for message in sent(dispatcher)] == [3, 3]


def test_somebody_is_asked_to_flush_them_at_the_first_and_every_now_and_then(dispatcher: Any) -> None:
    asked: list[int] = []
    dispatcher.on_send_buffered = lambda: asked.append(1)
    dispatcher.send("task-received", uuid="m")
    assert len(asked) == 1
    for _ in range(100):
        dispatcher.send("task-received", uuid="m")

    assert 2 <= len(asked) <= 10


@pytest.mark.parametrize("kind", ["worker-heartbeat", "worker-online"])
def test_all_other_events_go_at_once_and_as_celery_writes_them(kind: str, dispatcher: Any) -> None:
    dispatcher.send(kind, freq=2)
    [message] = sent(dispatcher)

    assert message["body"]["type"] == kind
    assert message["routing_key"] == kind.replace("-", ".")


def test_without_grouping_task_events_are_celerys(dispatcher: Any) -> None:
    dispatcher.buffer_group = frozenset()
    dispatcher.send("task-received", uuid="m")

    assert sent(dispatcher)[0]["body"]["uuid"] == "m"


def test_a_dispatcher_that_is_switched_off_keeps_nothing(dispatcher: Any) -> None:
    dispatcher.disable()
    dispatcher.send("task-received", uuid="m")
    dispatcher.enable()
    dispatcher.producer = Producer(dispatcher.producer)
    dispatcher.flush()

    assert [each for each in sent(dispatcher) if each["routing_key"] == "task.multi"] == []


def test_what_is_written_says_what_kombus_own_json_would_say(dispatcher: Any) -> None:
    dispatcher.send("task-succeeded", **FIELDS)
    [kept] = list(dispatcher._group_buffer["task"])  # noqa: SLF001 (what celery keeps them in)
    dispatcher.flush()
    [message] = sent(dispatcher)

    assert kombus.loads(message["body"]) == kombus.loads(kombus.dumps([kept]))
    assert (message["content_type"], message["content_encoding"]) == ("application/json", "utf-8")
    assert "serializer" not in message


def test_the_fields_are_those_that_celery_sends(dispatcher: Any) -> None:
    dispatcher.send("task-succeeded", **FIELDS)
    dispatcher.buffer_group = frozenset()
    dispatcher.send("task-succeeded", **FIELDS)
    dispatcher.flush()
    [celerys, ours] = sent(dispatcher)
    [grouped] = json.loads(ours["body"])

    assert grouped.keys() == celerys["body"].keys()
    differing = {name for name in grouped if grouped[name] != celerys["body"][name]}
    assert differing <= {"timestamp", "clock"}
    assert grouped["clock"] < celerys["body"]["clock"]


def test_a_text_that_is_no_utf_8_is_no_obstacle_for_the_events_behind_it(dispatcher: Any) -> None:
    """A program may call a task of Celery's own whatever it likes."""
    dispatcher.send("task-received", uuid="a", args="\ud800")
    dispatcher.send("task-received", uuid="b")
    dispatcher.flush()
    [message] = sent(dispatcher)
    body = message["body"]
    events = json.loads(body) if isinstance(body, str) else body

    assert [event["uuid"] for event in events] == ["a", "b"]
    assert dispatcher._group_buffer["task"] == []  # noqa: SLF001 (or they would be sent for ever)


def test_a_heartbeat_is_never_repeated_in_the_consumers_thread(dispatcher: Any) -> None:
    """Celery asks for it, and it would sleep for up to half a minute after the broker is back."""
    dispatcher.send("worker-heartbeat", freq=2.0, retry=True)

    [message] = sent(dispatcher)
    assert message["retry"] is False


def of_mails(fields: dict[str, Any]) -> list[Told]:
    rest = {name: value for name, value in fields.items() if name != "uuid"}
    return [
        Told("task-succeeded", "m", written(**rest)),
        Told("task-succeeded", 'odd " \\ ü id', written(**rest)),
    ]


def test_what_is_told_of_many_is_what_would_be_sent_of_each(dispatcher: Any) -> None:
    dispatcher.send("task-succeeded", **FIELDS)
    dispatcher.tell(of_mails(FIELDS))
    dispatcher.send("task-failed", uuid="n")
    dispatcher.flush()
    [message] = sent(dispatcher)
    first, second, odd, last = json.loads(message["body"])

    assert second.keys() == first.keys()
    assert {name for name in first if first[name] != second[name]} <= {"timestamp", "clock"}
    assert [second["uuid"], odd["uuid"], last["uuid"]] == ["m", 'odd " \\ ü id', "n"]
    assert first["clock"] < second["clock"] < odd["clock"] < last["clock"]
    assert first["timestamp"] <= second["timestamp"] <= last["timestamp"]


def test_events_of_the_next_message_have_the_time_zone_of_then(
    dispatcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in (5, 6):
        monkeypatch.setattr(module, "utcoffset", lambda hours=hours: hours)
        dispatcher.tell(of_mails(FIELDS))
        dispatcher.flush()

    told = [{event["utcoffset"] for event in json.loads(message["body"])} for message in sent(dispatcher)]
    assert told == [{5}, {6}]


def test_many_that_are_told_of_go_at_once_and_somebody_is_asked_before(
    dispatcher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    dispatcher.on_send_buffered = lambda: asked.append(1)
    monkeypatch.setattr(module, "_MOST", 4)
    for _ in range(2):
        dispatcher.tell(of_mails(FIELDS))

    assert asked == [1]
    assert [len(json.loads(message["body"])) for message in sent(dispatcher)] == [4]


@pytest.mark.parametrize("how", ["ungrouped", "as yaml", "with a text that is no UTF-8"])
def test_what_is_told_reaches_those_who_want_it_otherwise(how: str, dispatcher: Any) -> None:
    if how == "ungrouped":
        dispatcher.buffer_group = frozenset()
    elif how == "as yaml":
        dispatcher.serializer = "yaml"
    else:
        dispatcher.send("task-received", uuid="\ud800")
    dispatcher.tell(of_mails(FIELDS))
    dispatcher.flush()
    bodies = [message["body"] for message in sent(dispatcher)]
    events = bodies if how == "ungrouped" else bodies[0]

    assert [event["result"] for event in events[-2:]] == [FIELDS["result"]] * 2
    assert events[-1]["uuid"] == 'odd " \\ ü id'


@pytest.mark.parametrize("off", ["the dispatcher", "the group"])
def test_where_events_are_switched_off_nothing_is_kept(off: str, dispatcher: Any) -> None:
    if off == "the group":
        dispatcher.groups = {"worker"}
    else:
        dispatcher.disable()
    dispatcher.tell(of_mails(FIELDS))

    assert dispatcher._group_buffer.get("task", []) == []  # noqa: SLF001 (what celery keeps them in)


def test_each_dispatcher_is_told_of_its_own_requests(dispatcher: Any, eventer: Eventer) -> None:
    """Those of a connection before have another one, and some have none."""
    requests: Any = [
        SimpleNamespace(eventer=eventer, task=SimpleNamespace(send_events=True))
        for eventer in (dispatcher, None, eventer, dispatcher)
    ]
    tell(requests, [Told("task-started", task_id) for task_id in "abcd"])
    dispatcher.flush()

    assert [event["uuid"] for event in json.loads(sent(dispatcher)[0]["body"])] == ["a", "d"]
    assert eventer.events == [{"type": "task-started", "uuid": "c"}]
