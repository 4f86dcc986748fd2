"""A worker with empty queues hears of the first message at once, and not of every one that others get."""

from __future__ import annotations

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


def test_who_came_too_late_does_not_listen_for_a_moment(
    read: Callable[..., Reader], publish: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each lone mail would wake all workers, for one of them to have it."""
    monkeypatch.setattr(bells, "_REST", 0.3)
    quick, late = read(), read()
    for reader in (quick, late):
        reader.turn_until(reader.is_listening)
    publish("default", 1)
    quick.turn_until(lambda: quick.payloads == [1])
    quick.turn_until(lambda: hangs(quick))
    late.turn_until(lambda: not hangs(late))
    publish("default", 2)
    quick.turn_until(lambda: quick.payloads == [1, 2])
    late.turn_for(0.1)

    assert not hangs(late)
    late.turn_until(lambda: hangs(late), seconds=2.0)
    publish("default", 3)
    late.turn_until(lambda: late.payloads == [3])


def test_what_came_meanwhile_is_heard_of_after_that_moment(
    read: Callable[..., Reader], publish: Callable[..., None]
) -> None:
    """The others may be dead by then."""
    quick, late = read(), read()
    for reader in (quick, late):
        reader.turn_until(reader.is_listening)
    publish("default", 1)
    quick.turn_until(lambda: quick.payloads == [1])
    late.turn_until(lambda: not hangs(late))
    publish("default", 2)

    late.turn_until(lambda: late.payloads == [2], seconds=1.0)


def test_a_bell_that_rings_since_nothing_came_hangs_again_at_once(
    read: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "_REST", 30.0)
    reader = read()
    reader.turn_until(reader.is_listening)
    bell: Any = reader.channel.bells._bells["default"]  # noqa: SLF001 (as above)
    began = bell.since

    reader.turn_until(lambda: bell.since not in {None, began}, seconds=5.0)
