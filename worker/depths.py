"""How many messages wait in the broker's queues."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from amqp.exceptions import AMQPError
from kombu.exceptions import ChannelError, KombuError, OperationalError
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from celery import Celery

T = TypeVar("T")

#: What asking raises where the broker is away, or has had enough of the connection.
AWAY = (RedisError, AMQPError, OperationalError, KombuError, OSError)


class Depths:
    """
    Asks the broker of *app* over a connection of its own, which is kept: for one thread.

    A new one for each question, of which there is one a second, would cost this process five milliseconds in
    which no mail goes on, and Redis a handshake. One that broke meanwhile is replaced unseen. *app* must have
    no result backend. All methods raise one of `AWAY` where the broker cannot be asked.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None

    def of(self, lanes: Iterable[str], *, arguments: Mapping[str, Any] | None = None) -> dict[str, int]:
        """
        Return how many messages wait in each of *lanes*, which are declared where there are none yet.

        *arguments* are those with which the worker declares them: RabbitMQ refuses whoever describes a queue
        otherwise.
        """

        def ask(channel: Any) -> dict[str, int]:
            return {
                lane: channel.queue_declare(
                    queue=lane, durable=True, auto_delete=False, arguments=arguments
                ).message_count
                for lane in lanes
            }

        return self._ask(ask)

    def of_those_there(self, lanes: Iterable[str]) -> int:
        """Return how many messages wait in *lanes* together; one that is not there has none."""
        return self._ask(lambda channel: sum([_size(channel, lane) for lane in lanes]))

    def _ask(self, question: Callable[[Any], T]) -> T:
        if self._connection is not None:
            with suppress(*AWAY):
                return self._ask_over(self._connection, question)
        self._connection = self._app.connection_for_write()
        return self._ask_over(self._connection, question)

    def _ask_over(self, connection: Any, question: Callable[[Any], T]) -> T:
        try:
            return question(connection.default_channel)
        except BaseException:
            # Whatever it was: what comes next over this connection might be the answer to this question.
            self._connection = None
            with suppress(*AWAY):
                connection.release()
            raise


def _size(channel: Any, lane: str) -> int:
    try:
        return int(channel.queue_declare(queue=lane, passive=True).message_count)
    except ChannelError:
        return 0  # Redis has no list for an empty queue.
