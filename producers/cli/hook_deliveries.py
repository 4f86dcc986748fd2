"""What `postroom hooks` shows of deliveries."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from producers.away import located
from producers.cli import connection
from producers.cli.exit_codes import ExitCode
from producers.cli.gateway import hooks_settings_from_environment
from producers.cli.keys import key_file, told
from producers.cli.output import print_json
from producers.errors import QueueUnavailable
from producers.hooks.room import HookRoom
from producers.hooks.views import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue

    from producers.hooks.views import Delivery, Tried

_PAUSE: Final = 0.1


@contextmanager
def opened(broker: str | None, journal: str | None, file: str | None) -> Iterator[HookRoom]:
    """
    Lend the deliveries of all keys.

    Raises:
        QueueUnavailable: with the place where the queue should be.
    """
    options = hooks_settings_from_environment().options
    with told():
        keys = {key.id: key for key in key_file(file).read()}
    try:
        with HookRoom(connection.urls(broker, journal)[1], keys=keys, options=options) as room:
            yield room
    except QueueUnavailable as away:
        where = connection.place(broker, journal)
        raise located(away, where, "--broker") from away


def settled(room: HookRoom, delivery: Delivery, *, within: float) -> Delivery:
    """Return the delivery once it has ended, or as it is after *within* seconds."""
    deadline = time.monotonic() + within
    while delivery.state is DeliveryState.PENDING and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        delivery = room.delivery(delivery.delivery_id)
    return delivery


def show_all(found: Sequence[Delivery], *, as_json: bool) -> None:
    """Print deliveries, one in a line."""
    if as_json:
        print_json([_document(delivery) for delivery in found])
        return
    for delivery in found:
        print("  ".join(_line(delivery)))  # noqa: T201 - the output


def show(delivery: Delivery, *, as_json: bool) -> None:
    """Print a delivery with its attempts."""
    if as_json:
        print_json(_document(delivery))
        return
    print("  ".join(_line(delivery)))  # noqa: T201 - the output
    for attempt in delivery.attempts:
        print("    " + "  ".join(_told(attempt)))  # noqa: T201 - the output


def leave(delivery: Delivery, *, has_waited: bool) -> None:
    """Exit as the delivery has ended, where that was waited for."""
    if has_waited and delivery.state is not DeliveryState.DELIVERED:
        sys.exit(ExitCode.UNSETTLED if delivery.state is DeliveryState.PENDING else ExitCode.NOT_SENT)


def _document(delivery: Delivery) -> dict[str, JsonValue]:
    return {
        "id": delivery.delivery_id,
        "key": delivery.key_id,
        "state": delivery.state,
        "type": delivery.type,
        "mail_id": delivery.mail_id,
        "made_at": delivery.made_at.isoformat(),
        "tries": delivery.tries,
        "due_at": delivery.due.isoformat() if delivery.due else None,
        "attempts": [
            {
                "at": attempt.at.isoformat(),
                "seconds": attempt.seconds,
                "status": attempt.status,
                "error": attempt.error,
                "excerpt": attempt.excerpt,
            }
            for attempt in delivery.attempts
        ],
    }


def _line(delivery: Delivery) -> Iterator[str]:
    yield delivery.delivery_id
    yield f"{delivery.state:<9}"
    yield delivery.type
    yield f"key {delivery.key_id}"
    yield delivery.made_at.isoformat(timespec="seconds")
    yield f"{delivery.tries} {'attempt' if delivery.tries == 1 else 'attempts'}"
    if delivery.attempts:
        yield f"last: {delivery.attempts[-1].status or delivery.attempts[-1].error}"
    if delivery.due and delivery.tries:
        yield f"next: {delivery.due.isoformat(timespec='seconds')}"


def _told(attempt: Tried) -> Iterator[str]:
    yield attempt.at.isoformat(timespec="seconds")
    yield str(attempt.status or attempt.error)
    yield f"{attempt.seconds * 1000:.0f} ms"
    if attempt.excerpt:
        yield attempt.excerpt
