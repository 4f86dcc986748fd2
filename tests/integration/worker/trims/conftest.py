"""A consumer over the fetching transport, in a loop of kombu's as Celery has it, without Celery."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import kombu
import pytest
from kombu.asynchronous import Hub
from redis import Redis

from tasks.contract.names import Lane
from tasks.journal.quarantine import Quarantine
from tests.servers.redis_server import RedisServer
from worker.queue import SiftingConnection
from worker.sieve import Sieve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Reader:
    """Reads the three lanes; *got* are the messages that came, which it acknowledges if it *acks*."""

    url: str
    redis: Redis
    acks: bool = True
    prefetch: int = 0
    got: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        sieve = Sieve(Quarantine(self.redis))
        self.hub: Any = Hub()
        self.connection: Any = SiftingConnection(self.url, sieve=sieve, trims=True)
        self.connection.register_with_event_loop(self.hub)
        queues = [kombu.Queue(lane, kombu.Exchange(lane), routing_key=lane) for lane in Lane]
        self.consumer: Any = self.connection.Consumer(queues, on_message=self._take)
        if self.prefetch:
            self.consumer.qos(prefetch_count=self.prefetch)
        self.consumer.consume()

    @property
    def channel(self) -> Any:
        """The channel that fetches."""
        return self.consumer.channel

    @property
    def payloads(self) -> list[Any]:
        """What the messages say."""
        return [message.payload for message in self.got]

    def _take(self, message: Any) -> None:
        self.got.append(message)
        if self.acks:
            message.ack()

    def turn_until(self, is_so: Callable[[], object], *, seconds: float = 10.0) -> None:
        """Turn the loop until something is so."""
        last_moment = time.monotonic() + seconds
        # The loop rests until something comes; this has it look at the time as well.
        self.hub.call_repeatedly(0.05, lambda: None)
        while not is_so():
            assert time.monotonic() < last_moment, "it did not come to be"
            self.hub.run_once()

    def turn_for(self, seconds: float) -> None:
        """Turn the loop for *seconds*, woken by nothing but what comes."""
        is_over: list[bool] = []
        self.hub.call_later(seconds, lambda: is_over.append(True))
        while not is_over:
            self.hub.run_once()

    def is_listening(self) -> bool:
        """Whether all lanes were found empty, and have their bells."""
        return len(self.channel.bells._bells) == len(Lane)  # noqa: SLF001 (nothing else tells)

    def close(self) -> None:
        """Give back what is not acknowledged."""
        self.connection.close()
        self.hub.close()


@pytest.fixture(scope="session")
def own_server(valkey: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # noqa: ARG001 (it skips)
    """The URL of a server that no worker of another test takes messages from."""
    with RedisServer(tmp_path_factory.mktemp("trims")) as server:
        yield server.url


@pytest.fixture
def valkey_url(own_server: str) -> str:
    """The same, and it holds nothing."""
    with Redis.from_url(own_server) as client:
        client.flushall()
    return own_server


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """A client for the test itself."""
    with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def read(valkey_url: str, redis: Redis) -> Iterator[Callable[..., Reader]]:
    """Begins to read."""
    readers: list[Reader] = []

    def begin(**options: Any) -> Reader:
        readers.append(Reader(valkey_url, redis, **options))
        return readers[-1]

    yield begin
    for reader in readers:
        reader.close()


@pytest.fixture
def publish(valkey_url: str) -> Iterator[Callable[..., None]]:
    """Publishes as any program with plain kombu does."""
    with kombu.Connection(valkey_url) as connection:
        producer = connection.Producer()

        def send(lane: str, *bodies: object) -> None:
            for body in bodies:
                producer.publish(
                    body,
                    exchange=lane,
                    routing_key=lane,
                    declare=[kombu.Queue(lane, kombu.Exchange(lane), routing_key=lane)],
                )

        yield send
