"""What is set aside is bounded, shown without what it says, and can be put back as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tasks.journal.quarantine import Quarantine, QuarantineLimits
from tasks.journal.quarantine_facts import Facts, facts_of
from tasks.journal.sealing import Seal, Unsealable, generate_key

if TYPE_CHECKING:
    from redis import Redis

CANARY = "canary-reset-link"


def put(quarantine: Quarantine, raw: bytes) -> str:
    return quarantine.put(raw, lane="default", reason="is not JSON")[0]


def test_an_entry_comes_back_as_it_was(redis: Redis) -> None:
    quarantine = Quarantine(redis)
    entry_id = put(quarantine, b"\xff\x00 no JSON")
    [entry] = quarantine.entries()

    assert quarantine.raw(entry_id) == b"\xff\x00 no JSON"
    assert quarantine.get(entry_id) == entry
    assert (entry.lane, entry.reason, entry.size, entry.times, entry.is_kept) == (
        "default",
        "is not JSON",
        10,
        1,
        True,
    )


def test_the_same_entry_is_kept_once_and_counted(redis: Redis) -> None:
    quarantine = Quarantine(redis)
    for _ in range(3):
        put(quarantine, b"7")

    assert [entry.times for entry in quarantine.entries()] == [3]


def test_the_newest_comes_first_and_the_oldest_makes_room(redis: Redis) -> None:
    quarantine = Quarantine(redis, limits=QuarantineLimits(entries=2))
    ids = []
    for raw in (b"1", b"2", b"3"):
        ids.append(put(quarantine, raw))
        for member in redis.zrange("postroom:quarantine", 0, -1):
            redis.zincrby("postroom:quarantine", -1000, member)

    assert [entry.entry_id for entry in quarantine.entries()] == [ids[2], ids[1]]
    assert quarantine.put(b"4", lane="bulk", reason="r")[1] == 1


def test_bytes_are_bounded_whatever_the_number(redis: Redis) -> None:
    quarantine = Quarantine(redis, limits=QuarantineLimits(total_bytes=100))
    for n in range(9):
        put(quarantine, b"%d" % n * 40)

    assert len(quarantine.entries()) == 2
    assert redis.get("postroom:quarantine.bytes") == b"82"


def test_a_newest_entry_that_looks_older_stays(redis: Redis) -> None:
    """Two that came within a millisecond stand in the order of their names."""
    for n in range(20):
        quarantine = Quarantine(redis, limits=QuarantineLimits(entries=1))
        newest = put(quarantine, b"%d" % n)

        assert [entry.entry_id for entry in quarantine.entries()] == [newest]


def test_what_has_outlived_its_time_makes_room(redis: Redis) -> None:
    quarantine = Quarantine(redis, limits=QuarantineLimits(lifetime=100.0))
    put(quarantine, b"old")
    [member] = redis.zrange("postroom:quarantine", 0, -1)
    redis.zincrby("postroom:quarantine", -101_000, member)
    put(quarantine, b"new")

    assert len(quarantine.entries()) == 1
    assert redis.get("postroom:quarantine.bytes") == b"4"


def test_an_entry_that_is_too_large_is_noted_and_not_kept(redis: Redis) -> None:
    quarantine = Quarantine(redis, limits=QuarantineLimits(total_bytes=100))
    entry_id = put(quarantine, b"x" * 51)
    [entry] = quarantine.entries()

    assert (entry.size, entry.is_kept) == (51, False)
    assert quarantine.raw(entry_id) is None


def test_entries_are_forgotten_after_their_lifetime(redis: Redis) -> None:
    quarantine = Quarantine(redis, limits=QuarantineLimits(lifetime=100.0))
    entry_id = put(quarantine, b"7")

    assert 0 < redis.ttl(f"postroom:quarantine:{entry_id}") <= 100
    assert 0 < redis.ttl("postroom:quarantine") <= 100


def test_what_has_expired_is_not_listed(redis: Redis) -> None:
    quarantine = Quarantine(redis)
    redis.delete(f"postroom:quarantine:{put(quarantine, b'7')}")

    assert quarantine.entries() == []
    assert quarantine.get("nothing") is None
    assert quarantine.raw("nothing") is None


def test_dropping_says_how_many_there_were(redis: Redis) -> None:
    quarantine = Quarantine(redis)
    ids = [put(quarantine, b"1"), put(quarantine, b"2"), "never was"]

    assert quarantine.drop(ids) == 2
    assert quarantine.drop([]) == 0
    assert redis.keys("postroom:quarantine*") == [b"postroom:quarantine.bytes"]
    assert redis.get("postroom:quarantine.bytes") == b"0"


def test_with_a_key_nothing_can_be_read_in_redis(redis: Redis) -> None:
    key = SecretStr(generate_key())
    quarantine = Quarantine(redis, seal=Seal([key]))
    entry_id = put(quarantine, CANARY.encode())

    assert CANARY not in str(redis.hgetall(f"postroom:quarantine:{entry_id}"))
    assert quarantine.raw(entry_id) == CANARY.encode()
    with pytest.raises(Unsealable):
        Quarantine(redis).raw(entry_id)


def test_the_same_entry_is_kept_once_though_each_seal_is_another(redis: Redis) -> None:
    quarantine = Quarantine(redis, seal=Seal([SecretStr(generate_key())]))
    for _ in range(2):
        entry_id = put(quarantine, CANARY.encode())

    assert [entry.times for entry in quarantine.entries()] == [2]
    assert redis.strlen("postroom:quarantine.bytes") == 3
    assert quarantine.drop([entry_id]) == 1
    assert redis.get("postroom:quarantine.bytes") == b"0"


def test_facts_are_names_kinds_and_sizes() -> None:
    entry = {
        "body": CANARY,
        "headers": {"task": "send_email", "id": "m", "timelimit": ["a", "b"], "retries": 0, "x": {"y": 1}},
        "properties": {"priority": None, "redelivered": True},
    }

    assert facts_of(json.dumps(entry).encode()) == Facts(
        task="send_email",
        mail_id="m",
        parts={
            "body": "text of 17",
            "headers.task": "text of 10",
            "headers.id": "text of 1",
            "headers.timelimit": "list of 2",
            "headers.retries": "number",
            "headers.x": "object of 1",
            "properties.priority": "null",
            "properties.redelivered": "true or false",
        },
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"7",
        b"[1]",
        b"[" * 100_000,
        b'{"headers": 7}',
        b'{"headers": {"task": {}, "id": "\\n"}}',
    ],
    ids=["nothing", "bytes", "number", "list", "deep", "headers", "values"],
)
def test_facts_are_found_in_anything(raw: bytes) -> None:
    facts = facts_of(raw)

    assert (facts.task, facts.mail_id) == ("", "")
    assert facts.parts


def test_facts_of_a_flood_of_names_are_bounded() -> None:
    raw = json.dumps({"headers": {f"x{n}" * 40: n for n in range(500)} | {"id": "i" * 101}}).encode()

    assert len(facts_of(raw).to_json()) < 10_000


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(entry=st.fixed_dictionaries({}, optional={"headers": JSON, "properties": JSON, "body": st.text()}))
def test_facts_travel_as_json(entry: dict[str, Any]) -> None:
    facts = facts_of(json.dumps(entry).encode())

    assert Facts.from_json(facts.to_json()) == facts
