"""What a consumer shows of itself, for those who watch whether it still consumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import bootsteps
from celery.worker import state as celerys

if TYPE_CHECKING:
    from collections.abc import Callable


# Celery's stubs do not know all that is read here.
_bootsteps: Any = bootsteps
_state: Any = celerys


@dataclass(slots=True)
class Pulse:
    """How often the consumer's loop has turned, and how many messages it has taken, since it began."""

    turns: int = 0
    taken: int = 0

    def turn(self) -> None:
        """Note one turn of the loop."""
        self.turns += 1

    def turning(self, loop: Callable[..., Any]) -> Callable[..., Any]:
        """Return *loop*, which is Celery's with an event loop of kombu's, with each of its turns noted."""

        def watched(consumer: Any, *arguments: Any, **options: Any) -> Any:
            if consumer.hub:
                # A set, which kombu empties when it gives a connection up.
                consumer.hub.on_tick.add(self.turn)
            return loop(consumer, *arguments, **options)

        return watched


def is_running(consumer: Any) -> bool:
    """Whether *consumer* is meant to consume: it neither stops nor was told to."""
    # They hold exit codes, of which 0 is one.
    codes = (_state.should_stop, _state.should_terminate)
    is_told = any(code is not None and code is not False for code in codes)
    return consumer.blueprint.state == _bootsteps.RUN and not is_told


def has_room(consumer: Any) -> bool:
    """Whether *consumer* would take another message: it has free slots, and no rate limit holds it up."""
    if any(bucket and bucket.contents for bucket in tuple(consumer.task_buckets.values())):
        return False
    limit = consumer.qos.value if consumer.qos else 0
    return not limit or len(_state.reserved_requests) + len(_state.scheduled_requests) < limit


def lanes(consumer: Any) -> list[str]:
    """Return the queues that *consumer* takes messages from."""
    tasks = consumer.task_consumer
    return [queue.name for queue in tasks.queues if tasks.consuming_from(queue.name)] if tasks else []
