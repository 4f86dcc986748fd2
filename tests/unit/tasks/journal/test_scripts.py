"""Many calls of a script in one round trip, each answered in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tasks.journal import scripts
from tasks.journal.calls import begin, step
from tasks.journal.records import Claim, Grip
from tasks.journal.scripts import Call, Script, run_script

if TYPE_CHECKING:
    from tasks.journal.link import Command

NOW = datetime(2026, 11, 27, tzinfo=UTC)

#: Answers with what it was called with.
ECHO = Script.of("return { KEYS[1], ARGV[1], #KEYS, #ARGV }")


def call(number: int, *more: str, keys: int = 1) -> Call:
    return Call(tuple(f"k{number}" for _ in range(keys)), (str(number), *more))


def answers(numbers: range) -> list[list[object]]:
    return [[f"k{number}".encode(), str(number).encode(), 1, 1] for number in numbers]


def test_each_call_is_answered_in_its_place(redis: Redis) -> None:
    assert run_script(redis, ECHO, [call(number) for number in range(250)]) == answers(range(250))


def test_no_calls_reach_nobody_and_have_no_answers() -> None:
    assert run_script(Redis(port=1), ECHO, []) == []


def test_calls_of_different_shapes_keep_their_order(redis: Redis) -> None:
    calls = [call(0), call(1, "more"), call(2, keys=2), call(3), call(4)]

    found = run_script(redis, ECHO, calls)

    assert [int(answer[1]) for answer in found] == [0, 1, 2, 3, 4]
    assert [tuple(answer[2:]) for answer in found] == [(1, 1), (1, 2), (2, 1), (1, 1), (1, 1)]


def test_what_calls_share_stands_in_front_of_what_each_has(redis: Redis) -> None:
    everything = Script.of("return { table.concat(KEYS, ' '), table.concat(ARGV, ' ') }")
    shared = Call(("s", "t"), ("1", "2", "3"))

    found = run_script(redis, everything, [call(7), call(8), call(9, "more", keys=2)], shared=shared)

    assert found == [[b"s t k7", b"1 2 3 7"], [b"s t k8", b"1 2 3 8"], [b"s t k9 k9", b"1 2 3 9 more"]]


def test_what_calls_share_is_sent_once_for_each_command() -> None:
    shared = Call(("s",), ("once",))

    assert scripts._arguments(shared, [call(7), call(8)]) == [  # noqa: SLF001 (what goes over the wire)
        3,
        *("s", "k7", "k8"),
        *(1, 1, 1, 1),
        *("once", "7", "8"),
    ]


def test_a_call_may_have_more_arguments_than_lua_takes_at_once(redis: Redis) -> None:
    many = call(0, *map(str, range(9000)))

    assert run_script(redis, ECHO, [many]) == [[b"k0", b"0", 1, 9001]]


def test_no_calls_are_no_answers(redis: Redis) -> None:
    assert run_script(redis, ECHO, []) == []


def test_what_would_be_too_much_for_one_command_is_spread_over_several(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    pack = scripts._send  # noqa: SLF001 (to count what goes out)

    def send(client: Redis, commands: list[Command]) -> list[object]:
        # Each call has one key.
        sent.extend(int(command[2]) for command in commands if command[0] == "EVALSHA")
        return pack(client, commands)

    monkeypatch.setattr(scripts, "_send", send)
    big = "x" * 600_000
    run_script(redis, ECHO, [call(0, big), call(1, big), call(2, "small")])
    run_script(redis, ECHO, [call(number) for number in range(150)])

    # Each time the server is taught the script first.
    assert sent == [1, 2, 1, 2, 100, 50]


def test_a_script_that_fails_is_an_error_of_redis(redis: Redis) -> None:
    with pytest.raises(ResponseError):
        run_script(redis, Script.of("return redis.call('NONSENSE')"), [call(0)])


def test_all_calls_of_a_command_have_the_servers_moment(redis: Redis) -> None:
    seconds, _ = redis.time()
    [moment, same] = run_script(redis, Script.of("return now"), [call(0), call(1)])

    assert moment == same
    assert abs(moment / 1000 - seconds) < 5


def test_what_a_call_says_of_its_size_is_believed_and_else_it_is_counted() -> None:
    assert Call(("k",), ("four", b"six..."), 7).size == 7
    assert Call(("k",), ("four", b"six...", 1, 2.0)).size == 10


def test_steps_and_beginnings_say_how_large_they_are() -> None:
    claim = Claim("m", 1, Grip.YOURS, NOW, NOW, 0.0)

    for made in (begin("m"), step(claim, "sent", "x" * 999)):
        counted = made._replace(characters=None).size
        # Fence and state are left out: they are always short.
        assert counted - 20 < made.size <= counted
