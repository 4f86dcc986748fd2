"""Queue entries that are no messages, given to a real worker: it sets them aside and goes on."""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from redis import Redis

from tasks.journal.quarantine import Quarantine
from tests.scoreboard import Measure, Scoreboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

CANARY = "canary-reset-link"
MAIL = {"to": "ann@example.org", "subject": "s", "body": CANARY}
#: Takes something out of an entry.
GONE = object()


def b64(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.b64encode(text).decode()


def entry(**changes: Any) -> dict[str, Any]:
    """A sound entry, but for the changes: `headers__task` is a part of the headers."""
    found: dict[str, Any] = {
        "body": b64([[], MAIL, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": "send_email",
            "id": str(uuid.uuid4()),
            "retries": 0,
            "timelimit": [None, None],
            "argsrepr": "()",
            "kwargsrepr": "{}",
        },
        "properties": {
            "correlation_id": str(uuid.uuid4()),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "default"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }
    for name, value in changes.items():
        *way, last = name.split("__")
        place = found
        for step in way:
            place = place[step]
        if value is GONE:
            del place[last.replace("_", "-") if last not in place else last]
        else:
            place[last.replace("_", "-") if not way and last != "body" and "_" in last else last] = value
    return found


@pytest.fixture
def redis(post: Any) -> Iterator[Redis]:
    with Redis.from_url(post.url) as client:
        client.delete(*client.keys("postroom:quarantine*") or ["none"])
        yield client


@pytest.fixture
def quarantine(redis: Redis) -> Quarantine:
    return Quarantine(redis)


@pytest.fixture
def push(post: Any, redis: Redis, scoreboard: Scoreboard) -> Iterator[Callable[..., None]]:
    pushed = 0

    def lpush(*raw: bytes | str) -> None:
        nonlocal pushed
        redis.lpush("default", *raw)
        pushed += len(raw)

    yield lpush
    scoreboard.note(Measure.POISON, int(post.worker.poll() is not None), of=pushed)


def goes_on(post: Any, *, seconds: float = 5.0) -> bool:
    """
    Whether the same worker process sends the next mails within *seconds* each.

    Two of them: what was fetched together with the first may be set aside behind it, but is before the
    second.
    """
    are_sent = [post.send().get(timeout=seconds)["success"] for _ in range(2)]
    return all(are_sent) and post.worker.poll() is None


def not_set_aside(post: Any, push: Any, quarantine: Quarantine, raws: Mapping[str, bytes | str]) -> list[str]:
    """Push entries; name those that are not in quarantine when the worker has gone on."""
    push(*raws.values())

    assert goes_on(post)
    kept = {quarantine.raw(found.entry_id) for found in quarantine.entries()}
    return [
        name for name, raw in raws.items() if (raw if isinstance(raw, bytes) else raw.encode()) not in kept
    ]


def spoilt(place: str, values: Iterable[Any]) -> dict[str, str]:
    """Entries with another value at *place*, by value."""
    return {str(value): json.dumps(entry(**{place: value})) for value in values}


def test_p1_a_body_that_is_not_base64(post: Any, push: Any, quarantine: Quarantine) -> None:
    raws = spoilt("body", ["%%%", "A", "é", "YQ"])

    assert not_set_aside(post, push, quarantine, raws) == []


def test_p2_a_body_that_is_no_text(post: Any, push: Any, quarantine: Quarantine) -> None:
    raws = spoilt("body", [7, None, [], {"a": 1}, "", True])

    assert not_set_aside(post, push, quarantine, raws) == []


def test_p3_time_limits_that_are_none(post: Any, push: Any, quarantine: Quarantine) -> None:
    limits = [["1", "2"], "soon", [1], [1, 2, 3], {"a": 1}, [-1, None], [1e400, 1], 7, [True, True]]

    assert not_set_aside(post, push, quarantine, spoilt("headers__timelimit", limits)) == []


def test_p4_an_entry_that_is_not_json(post: Any, push: Any, quarantine: Quarantine) -> None:
    raws: dict[str, bytes | str] = {
        "text": "garbage",
        "bytes": b"\xff\xfe\x00",
        "broken": "{",
        "nan": '{"a": NaN}',
        "deep list": "[" * 100_000,
        "deep object": '{"a":' * 100_000,
    }

    assert not_set_aside(post, push, quarantine, raws) == []


def test_p5_json_that_is_no_message(post: Any, push: Any, quarantine: Quarantine) -> None:
    raws = {raw: raw for raw in ("[]", "7", '"text"', "null", "[[{}]]", "{}")}

    assert not_set_aside(post, push, quarantine, raws) == []


DEEP = b"[" * 100_000 + b"]" * 100_000
STRANGE: dict[str, dict[str, Any]] = {
    "unknown task": {"headers__task": "no.such.task"},
    "task of a wrong type": {"headers__task": ["send_email"]},
    "no task": {"headers__task": GONE},
    "no id": {"headers__id": GONE},
    "id of a wrong type": {"headers__id": {"a": 1}},
    "id with a lone surrogate": {"headers__id": "\ud800"},
    "endless id": {"headers__id": "i" * 1_000_000},
    "pickle": {"content_type": "application/x-python-serialize", "body": b64(b"cos\nsystem\n(S'id'\ntR.")},
    "data": {"content_type": "application/data"},
    "content type of a wrong type": {"content_type": ["application/json"]},
    "no content type": {"content_type": GONE},
    "unknown content encoding": {"content_encoding": 7},
    "two parts": {"body": b64([[], {}])},
    "arguments of a wrong type": {"body": b64(["a", {}, {}])},
    "keywords of a wrong type": {"body": b64([[], [], {}])},
    "following of a wrong type": {"body": b64([[], {}, {"callbacks": "now"}])},
    "args as a word": {"body": b64(["args", "args", "args"])},
    "object of three": {"body": b64({"a": 1, "b": 2, "c": 3})},
    "deep body": {"body": b64(DEEP)},
    "unknown type": {"body": b64([[], {"to": {"__type__": "x", "__value__": 1}}, {}])},
    "bad eta": {"headers__eta": "soon"},
    "eta of a wrong type": {"headers__eta": 7},
    "eta out of range": {"headers__eta": "0001-01-01T00:00:00+14:00"},
    "bad expires": {"headers__expires": ["2030"]},
    "no headers": {"headers": GONE},
    "headers of a wrong type": {"headers": [1, 2]},
    "no properties": {"properties": GONE},
    "properties of a wrong type": {"properties": "all"},
    "no delivery tag": {"properties__delivery_tag": GONE},
    "delivery tag of a wrong type": {"properties__delivery_tag": {"a": []}},
    "body encoding": {"properties__body_encoding": "rot13"},
    "body encoding of a wrong type": {"properties__body_encoding": ["base64"]},
    "correlation id": {"properties__correlation_id": [1]},
    "retries": {"headers__retries": "many"},
    "group": {"headers__group": {"a": 1}},
    "stamps": {"headers__stamped_headers": "all"},
    "compression": {"headers__compression": "gzip"},
    "unknown compression": {"headers__compression": "zip"},
    "compression of a wrong type": {"headers__compression": {"a": 1}},
    "bomb": {"headers__compression": "gzip", "body": b64(zlib.compress(b" " * 200_000_000))},
}


def test_p6_a_message_that_celery_cannot_take(post: Any, push: Any, quarantine: Quarantine) -> None:
    push(
        *(
            json.dumps(entry(**{"properties__correlation_id": name, **changes}))
            for name, changes in STRANGE.items()
        )
    )

    assert goes_on(post)
    assert len(quarantine.entries()) == len(STRANGE)


PLAIN = json.dumps([[], MAIL, {}])
SENT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "absurd priority": {"properties__priority": "first of all"},
    "endless priority": {"properties__priority": 10**400},
    "no delivery info": {"properties__delivery_info": GONE},
    "absurd delivery info": {"properties__delivery_info": {"exchange": ["x"], "routing_key": 7}},
    "plain body": {"properties__body_encoding": None, "body": PLAIN},
    "compressed": {
        "headers__compression": "gzip",
        "body": b64(zlib.compress(json.dumps([[], MAIL, {}]).encode())),
    },
    "no embed": {"body": b64([[], MAIL, None])},
    "protocol 1": {
        "headers": {},
        "body": b64({"task": "send_email", "id": "one", "args": [], "kwargs": MAIL}),
    },
}


def test_p6_what_is_only_unusual_is_sent(post: Any, push: Any, quarantine: Quarantine) -> None:
    entries = {name: entry(**changes) for name, changes in SENT.items()}
    push(*(json.dumps(found) for found in entries.values()))
    ids = [found["headers"].get("id", "one") for found in entries.values()]

    outcomes = [post.app.AsyncResult(mail_id).get(timeout=10) for mail_id in ids]

    assert all(outcome["success"] for outcome in outcomes)
    assert quarantine.entries() == []


def test_p6_wrong_arguments_are_a_result_and_no_poison(post: Any, push: Any, quarantine: Quarantine) -> None:
    found = entry(body=b64([["ann@example.org", 7], {"to": None}, {}]))
    push(json.dumps(found))

    assert post.app.AsyncResult(found["headers"]["id"]).get(timeout=10)["code"] == 600
    assert quarantine.entries() == []


def test_p6_parameters_that_are_no_json_are_a_result(post: Any, quarantine: Quarantine) -> None:
    assert post.send(body=b"bytes").get(timeout=10)["code"] == 600
    assert post.send(subject=uuid.uuid4()).get(timeout=10)["code"] == 600
    assert quarantine.entries() == []


def test_whoever_waits_for_an_unknown_task_is_told(post: Any) -> None:
    result = post.app.send_task("send_emial", queue="default")

    with pytest.raises(Exception, match="send_emial"):
        result.get(timeout=10)


def test_neither_log_nor_facts_say_what_a_mail_says(post: Any, push: Any, quarantine: Quarantine) -> None:
    for changes in (*STRANGE.values(), {"body": "%%%" + CANARY}):
        push(json.dumps(entry(**changes)))
    push(CANARY)

    assert goes_on(post)
    assert CANARY not in post.log.read_text(encoding="utf-8")
    assert CANARY not in str(quarantine.entries())


def test_an_unknown_task_costs_no_connection_whichever_way_its_id_is_told(
    post: Any, push: Any, quarantine: Quarantine
) -> None:
    lost = post.log.read_text(encoding="utf-8").count("Connection to broker lost")
    mail_id = str(uuid.uuid4())
    told = b64({"id": mail_id, "args": [], "kwargs": {}})
    push(json.dumps(entry(headers={"task": "no.such.task"}, body=told)))

    with pytest.raises(Exception, match=r"no\.such\.task"):
        post.app.AsyncResult(mail_id).get(timeout=10)
    assert goes_on(post)
    assert len(quarantine.entries()) == 1
    assert post.log.read_text(encoding="utf-8").count("Connection to broker lost") == lost


def test_many_at_once_hold_nothing_up(post: Any, push: Any, quarantine: Quarantine) -> None:
    push(*(f"{n}" for n in range(300)))

    assert goes_on(post)
    assert len(quarantine.entries()) == 300


def test_every_lane_is_sifted(post: Any, redis: Redis, quarantine: Quarantine) -> None:
    for lane in ("reset", "default", "bulk"):
        redis.lpush(lane, f'"{lane}"')

    assert goes_on(post)
    assert {found.lane for found in quarantine.entries()} == {"reset", "default", "bulk"}


def test_the_worker_can_still_be_inspected(post: Any) -> None:
    [stats] = post.app.control.inspect(timeout=5.0, limit=1).stats().values()

    assert stats["broker"]["transport"] == "redis"


def test_a_broadcast_that_is_no_message_stops_nobody(post: Any, redis: Redis) -> None:
    for raw in ("7", "{}", "[]", "garbage", '{"properties": {"delivery_tag": 1}, "body": 7}'):
        assert redis.publish("/0.celery.pidbox", raw) > 0

    assert goes_on(post)
    # The worker may be connecting anew, and a ping that it does not hear meanwhile is not repeated.
    assert any(post.app.control.ping(timeout=1.0) for _ in range(10))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    *("body", "headers", "properties", "content-type", "content-encoding"),
    *(
        f"headers__{name}"
        for name in ("task", "id", "retries", "eta", "expires", "timelimit", "group", "stamps")
    ),
    *(f"properties__{name}" for name in ("delivery_tag", "body_encoding", "priority", "delivery_info")),
]


@st.composite
def spoilt_entries(draw: st.DrawFn) -> bytes:
    """A sound entry with one or two of its parts replaced by anything, or a piece of one."""
    found = entry()
    for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=2, unique=True)):
        outer, _, inner = place.partition("__")
        if not inner:
            found[outer] = draw(JSON | st.just(b64(draw(JSON))))
        elif isinstance(found[outer], dict):
            found[outer][inner] = draw(JSON)
    raw = json.dumps(found).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 9)) == 0 else raw


@pytest.mark.timeout(120)
def test_p5_two_hundred_spoilt_entries_leave_the_worker_as_it_was(post: Any, push: Any) -> None:
    pushed = []

    @settings(
        max_examples=200,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(raw=spoilt_entries())
    def spoil(raw: bytes) -> None:
        pushed.append(raw)
        push(raw)

    spoil()

    # Some of them are mails after all, which come first.
    assert goes_on(post, seconds=20.0)
    assert len(pushed) >= 150
