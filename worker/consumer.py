"""Celery's consumer, which no message stops."""

from __future__ import annotations

import base64
import json
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from celery.exceptions import NotRegistered
from celery.utils.objects import Bunch
from celery.worker.consumer import Consumer
from redis.exceptions import RedisError

from tasks.contract.names import TASK_NAME
from worker.decoding import decode_plain
from worker.dispatch.events import GROUPED_FOR
from worker.dispatch.strategy import Mails
from worker.envelopes import Flaw, is_name
from worker.pulse import Pulse
from worker.requests import check
from worker.trims.channel import FetchingChannel

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.trims.channel import Fetched

logger = logging.getLogger(__name__)


class SafeConsumer(Consumer):
    """
    A consumer that sets messages aside which it cannot take, and never logs what they hold.

    Celery's own ends the worker over some of them, drops others, and writes the bodies of both into the log.
    The app is a `QueueApp` with a sieve.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type, misc]  # a variable to its stubs
        """
        Celery's steps, but for the 28 queues with which it delays messages in RabbitMQ.

        What has a time to be sent at waits in the journal.
        """

        default_steps = tuple(step for step in Consumer.Blueprint.default_steps if "delayed" not in step)

    app: Any
    connection_errors: tuple[type[Exception], ...]
    channel_errors: tuple[type[Exception], ...]
    loop: Callable[..., Any]
    connection: Any
    hub: Any
    strategies: dict[str, Callable[..., object]]
    on_task_message: Any
    task_consumer: Any
    _flush_events: Callable[[], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.pulse = Pulse()
        self._flush_at = 0.0
        # Gossip reads all that any worker says of itself, at 0.4 ms of this loop for each event as measured,
        # and nothing here asks it anything.
        super().__init__(*args, **{**kwargs, "without_gossip": True})
        self.loop = self.pulse.turning(self.loop)

    def perform_pending_operations(self) -> None:
        """Do what is left to do at a turn of the loop, where it is none of kombu's."""
        self.pulse.turn()
        super().perform_pending_operations()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """
        Let go of a connection that broke, whatever kombu meets while it closes it.

        kombu 5.7 gives the unacknowledged messages back over the very connection that is gone; depending on
        what of it is left, that raises an AttributeError, which would end the worker.
        """
        if self.connection:
            self.connection.close = _whatever_happens(self.connection.close)
        super().on_connection_error_after_connected(exc)

    def on_send_event_buffered(self) -> Any:  # Celery's stubs have a function of it
        """Have the events that were kept sent in a moment, with those that come meanwhile."""
        now = time.monotonic()
        if self.hub and now >= self._flush_at:
            self._flush_at = now + GROUPED_FOR
            self.hub.call_later(GROUPED_FOR, self._flush_events)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Return what is called with each message."""
        take = super().create_task_handler(*args, **kwargs)
        self._open_short_cut()

        def on_task_received(message: Any) -> None:
            self.pulse.taken += 1
            try:
                decode_plain(message)
                check(message)
                strategy = self.strategies.get(message.headers.get("task"))
                if strategy and message.headers["task"] == TASK_NAME:
                    # All is done in this thread, so nothing need be promised, as Celery does it.
                    ack, reject = message.ack_log_error, message.reject_log_error
                    strategy(message, None, ack, reject, self.on_task_message)
                else:
                    take(message)
            except Flaw as flaw:
                self._set_aside(message, str(flaw))
            except KeyError as error:
                # To kombu it says that the connection broke; what is raised here is about the message.
                self._give_up(message, error)
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:  # noqa: BLE001 - the last net: no message ends the worker
                self._give_up(message, error)

        return on_task_received

    def _open_short_cut(self) -> None:
        channel = self.task_consumer.channel
        if isinstance(channel, FetchingChannel):
            channel.short_cut = partial(self._take_ordinary, channel)  # type: ignore[method-assign]

    def _take_ordinary(self, channel: FetchingChannel, fetched: list[Fetched]) -> list[Fetched]:
        """Take the ordinary mails among what *channel* has *fetched*, and return the rest."""
        strategy = self.strategies.get(TASK_NAME)
        if not isinstance(strategy, Mails):
            return fetched
        left = strategy.take_fetched(channel, fetched)
        self.pulse.taken += len(fetched) - len(left)
        return left

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Set a message aside whose body cannot be read."""
        self._set_aside(message, f"body: cannot be decoded ({type(exc).__name__})")

    def on_unknown_message(self, _body: Any, message: Any) -> None:
        """Set a message aside that names no task."""
        self._set_aside(message, "headers.task: is missing")

    def on_invalid_task(self, _body: Any, message: Any, exc: Exception) -> None:
        """Set a message aside that Celery cannot make a request of."""
        self._set_aside(message, f"is no request ({type(exc).__name__})")

    def on_unknown_task(self, _body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 (Celery's)
        """Set a message aside whose task this worker does not have; whoever waits for it is told."""
        payload = message.payload
        named = {**payload, **message.headers} if isinstance(payload, dict) else message.headers
        self._set_aside(message, "headers.task: this worker has no such task")
        error = NotRegistered(named["task"])
        request = Bunch(name=named["task"], chord=None, root_id=None, errbacks=None, reply_to=None)
        self.app.backend.mark_as_failure(named["id"], error, request=request)

    def _give_up(self, message: Any, error: Exception) -> None:
        if message.acknowledged:
            # The queue has forgotten it, and may not be told so twice: only what was to follow failed.
            logger.error("message not seen through", extra={"error": type(error).__name__})
        else:
            self._set_aside(message, f"cannot be taken up ({type(error).__name__})")

    def _set_aside(self, message: Any, reason: str) -> None:
        lane = (message.delivery_info or {}).get("routing_key")
        try:
            self.app.sieve.set_aside(_raw(message), lane=lane if is_name(lane) else "", reason=reason)
        except (RedisError, OSError) as error:
            logger.warning("queue entry not quarantined yet", extra={"error": type(error).__name__})
            message.reject_log_error(logger, self.connection_errors, requeue=True)
        else:
            # Only now may the queue forget it; a crash before this line sets it aside once more.
            message.ack_log_error(logger, self.connection_errors)


def _whatever_happens(close: Callable[[], object]) -> Callable[[], None]:
    def close_anyway() -> None:
        try:
            close()
        except Exception as error:  # noqa: BLE001 - it is gone already, and a new one is about to be made
            logger.warning("connection not closed in order", extra={"error": type(error).__name__})

    return close_anyway


def _raw(message: Any) -> bytes:
    """Return *message* as it stands in a Redis queue; one from another broker is brought into that form."""
    payload = getattr(message, "_raw", None)
    if not isinstance(payload, dict):
        body = message.body if isinstance(message.body, bytes) else str(message.body or "").encode()
        payload = {
            "body": base64.b64encode(body).decode(),
            "content-type": message.content_type,
            "content-encoding": message.content_encoding,
            "headers": message.headers,
            "properties": {**message.properties, "body_encoding": "base64"},
        }
    return json.dumps(payload, default=repr).encode()
