"""A worker with empty queues hears of the first message at once, and not of every one that others get."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError  # noqa: A004 (Redis's own)

from tasks.contract.names import Lane
from worker.trims import bells

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.worker.trims.conftest import Reader


def hangs(reader: Reader, lane: str = "default") -> bool:
    """Whether *reader* would hear of a message in *lane*."""
    return reader.channel.bells._bells[lane].since is not None  # noqa: SLF001 (nothing else tells)


@pytest.mark.parametrize("lane", Lane)
def test_a_message_in_an_empty_lane_rings_its_bell(
    lane: Lane, read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would have it looked for within half a minute."""
    monkeypatch.setattr(bells, "_LONGEST", 30)
    reader = read()
    reader.turn_until(reader.is_listening)
    publish(lane, "now")

    reader.turn_until(lambda: reader.payloads == ["now"], seconds=5.0)


def test_a_bell_that_nobody_answers_is_a_connection_that_is_lost(read: Callable[..., Reader]) -> None:
    reader = read()
    reader.turn_until(reader.is_listening)

    reader.channel.bells.check(5.0)
    with pytest.raises(ConnectionError):
        reader.channel.bells.check(-10.0)  # As if its answer had been due long ago.


def test_a_bell_that_rang_while_nobody_looked_is_heard_late(
    read: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """A worker that starts over a long way to Redis is busy with other things, and a frozen one with none."""
    reader = read()
    reader.turn_until(reader.is_listening)
    connections = [bell.client.connection for bell in reader.channel.bells._bells.values()]  # noqa: SLF001 (or the test could not know)
    assert all(connection.can_read(5.0) for connection in connections), "every bell rings within a second"

    reader.channel.bells.check(-10.0)  # As if their answers had been due long ago.
    publish("default", 1)
    reader.turn_until(lambda: reader.payloads == [1])


def two_that_listen(read: Callable[..., Reader]) -> tuple[Reader, Reader]:
    """Return two readers that have found all lanes empty."""
    quick, late = read(), read()
    for reader in (quick, late):
        reader.turn_until(reader.is_listening)
    return quick, late


def let_it_ring_in_vain(late: Reader, quick: Reader, publish: Callable[..., None], payload: int) -> None:
    """Have *late* hear of a message that *quick* has taken by then."""
    bell: Any = late.channel.bells._bells["default"]  # noqa: SLF001 (as above)
    before = bell.vain_at
    for reader in (quick, late):
        reader.turn_until(lambda reader=reader: hangs(reader))
    publish("default", payload)
    quick.turn_until(lambda: payload in quick.payloads)
    late.turn_until(lambda: bell.vain_at != before)
    assert payload not in late.payloads


def test_who_comes_too_late_while_mails_trickle_in_does_not_listen_for_a_moment(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each lone mail would wake all workers, for one of them to have it."""
    monkeypatch.setattr(bells, "_REST", 0.3)
    monkeypatch.setattr(bells, "_TRICKLE", (0.0, 60.0))
    quick, late = two_that_listen(read)
    let_it_ring_in_vain(late, quick, publish, 1)
    let_it_ring_in_vain(late, quick, publish, 2)
    publish("default", 3)
    quick.turn_until(lambda: quick.payloads == [1, 2, 3])
    late.turn_for(0.1)

    assert not hangs(late)
    late.turn_until(lambda: hangs(late), seconds=2.0)
    publish("default", 4)
    late.turn_until(lambda: late.payloads == [4])


@pytest.mark.parametrize(
    "trickle", [(60.0, 3600.0), (-2.0, -1.0)], ids=["a burst", "a lone mail now and then"]
)
def test_who_comes_too_late_otherwise_listens_at_once(
    trickle: tuple[float, float],
    read: Callable[..., Reader],
    publish: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or one worker would have taken most of a burst before the others hear of it."""
    monkeypatch.setattr(bells, "_REST", 30.0)
    monkeypatch.setattr(bells, "_TRICKLE", trickle)
    quick, late = two_that_listen(read)

    for payload in (1, 2, 3):
        let_it_ring_in_vain(late, quick, publish, payload)
    publish("default", 4)
    late.turn_until(lambda: late.payloads == [4], seconds=5.0)


def test_what_came_meanwhile_is_heard_of_after_that_moment(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others may be dead by then."""
    monkeypatch.setattr(bells, "_TRICKLE", (0.0, 60.0))
    quick, late = two_that_listen(read)
    let_it_ring_in_vain(late, quick, publish, 1)
    let_it_ring_in_vain(late, quick, publish, 2)
    assert not hangs(late)
    publish("default", 3)

    late.turn_until(lambda: late.payloads == [3], seconds=1.0)


def test_who_comes_upon_a_message_that_another_was_told_of_listens_at_once(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That other one comes too late by this, and does not listen: nobody would."""
    monkeypatch.setattr(bells, "_REST", 30.0)
    monkeypatch.setattr(bells, "_TRICKLE", (0.0, 60.0))
    quick, late = two_that_listen(read)
    let_it_ring_in_vain(late, quick, publish, 1)
    let_it_ring_in_vain(late, quick, publish, 2)
    assert not hangs(late)
    publish("default", 3)
    publish("reset", 4)
    late.turn_until(lambda: set(late.payloads) == {3, 4})

    late.turn_until(lambda: hangs(late), seconds=5.0)


def test_a_bell_that_rings_for_what_was_just_taken_did_not_ring_in_vain(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "_REST", 30.0)
    monkeypatch.setattr(bells, "_TRICKLE", (0.0, 60.0))
    quick, late = two_that_listen(read)
    let_it_ring_in_vain(late, quick, publish, 1)
    late.turn_until(lambda: hangs(late))
    publish("default", 2)
    # As if something else had made it look: its loop has not heard the bell yet.
    late.channel._empty.clear()  # noqa: SLF001 (nothing else says so)
    late.channel.serve()
    assert late.payloads == [2]

    late.turn_until(lambda: not hangs(late))
    late.turn_until(lambda: hangs(late), seconds=5.0)


def test_a_bell_that_rings_since_nothing_came_hangs_again_at_once(
    read: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "_REST", 30.0)
    monkeypatch.setattr(bells, "_TRICKLE", (0.0, 60.0))
    reader = read()
    reader.turn_until(reader.is_listening)
    bell: Any = reader.channel.bells._bells["default"]  # noqa: SLF001 (as above)
    bell.vain_at = time.monotonic()
    began = bell.since

    reader.turn_until(lambda: bell.since not in {None, began}, seconds=5.0)
