"""A RabbitMQ that hangs holds nobody for longer than a Redis that does."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.integrations.client import Client
from producers.integrations.failures import Unavailable
from tasks.contract.names import Lane
from tasks.journal.sweeper import Stray
from tests.servers.rabbit import RabbitNode, is_installed
from tests.servers.redis_server import RedisServer
from worker.depths import AWAY
from worker.queue import QueueApp
from worker.sweeping import Sweeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="RabbitMQ (Debian's rabbitmq-server) is not installed"),
    # A node takes its time to start: all of these share one.
    pytest.mark.xdist_group("rabbitmq"),
    pytest.mark.rounds(1),
]

MAIL: Final = {"to": "ann@example.org", "subject": "s", "body": "b"}

#: Seconds that a caller may wait, with a little for a busy machine.
LONGEST: Final = 6.0
BUSY: Final = 0.5


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitNode]:
    with RabbitNode(tmp_path_factory.mktemp("rabbit")) as node:
        yield node


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(autouse=True)
def thawed(node: RabbitNode) -> Iterator[None]:
    yield
    node.thaw()


def within(seconds: float, call: Callable[[], object]) -> Any:
    """Return what *call* returns, or the error that it raises; fail if it takes longer than *seconds*."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001 (returned)
            found.append(error)

    began = time.monotonic()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + BUSY)

    assert found, f"still waiting after {time.monotonic() - began:.1f} s"
    return found[0]


@pytest.fixture(params=["cold", "warm"])
def mailer(request: pytest.FixtureRequest, node: RabbitNode, journal: str) -> Iterator[Mailer]:
    """A mailer that has never connected, or one that has just enqueued; RabbitMQ hangs."""
    mailer = Mailer(node.url, journal_url=journal)
    if request.param == "warm":
        mailer.enqueue(MAIL)
    node.freeze()
    yield mailer
    node.thaw()
    mailer.close()


def test_r4_mails_are_accepted_within_six_seconds(mailer: Mailer) -> None:
    assert len(within(LONGEST, lambda: mailer.enqueue_many([MAIL] * 1200)).ids) == 1200
    assert within(1.0, lambda: mailer.enqueue(MAIL))
    assert within(2.0, mailer.close) is None


def test_r4_a_queue_that_is_not_declared_yet_takes_no_longer(mailer: Mailer) -> None:
    assert isinstance(within(LONGEST, lambda: mailer.enqueue(MAIL, lane=Lane.BULK)), str)


def test_r4_callers_in_an_event_loop_wait_no_longer(node: RabbitNode, journal: str) -> None:
    async def call() -> list[str]:
        async with AsyncMailer(node.url, journal_url=journal) as mailer:
            await mailer.enqueue(MAIL)
            node.freeze()
            return await asyncio.gather(*(mailer.enqueue(MAIL) for _ in range(20)))

    assert len(within(LONGEST + 1.0, lambda: asyncio.run(call()))) == 20


def test_a_mailer_publishes_again_where_rabbitmq_goes_on(node: RabbitNode, journal: str) -> None:
    with closing(Mailer(node.url, journal_url=journal)) as mailer, node.connection() as connection:
        mailer.enqueue(MAIL, lane=Lane.RESET)
        queue = connection.default_channel
        queue.queue_purge(Lane.RESET.value)
        node.freeze()
        within(LONGEST, lambda: mailer.enqueue(MAIL))
        node.thaw()
        last_moment = time.monotonic() + 20
        while not queue.queue_declare(Lane.RESET.value, passive=True).message_count:
            assert time.monotonic() < last_moment
            mailer.enqueue(MAIL, lane=Lane.RESET)
            time.sleep(0.2)


def test_by_name_the_queue_is_unavailable_when_the_patience_is_over(node: RabbitNode, journal: str) -> None:
    client = Client(broker_url=node.url, journal_url=journal, give_up_after=6)
    client.send(**MAIL)
    node.freeze()

    assert isinstance(within(6.0, lambda: client.send(**MAIL)), Unavailable)
    assert within(6.0, client.close) is None


@pytest.mark.parametrize("step", ["asking", "publishing"])
def test_the_sweeper_comes_back_from_it(node: RabbitNode, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    stray = Stray("mail-1", Lane.DEFAULT.value, "{}")
    sweeper: Any = SimpleNamespace(sweep=lambda _: iter([stray]))
    with QueueApp(node.url) as app:
        sweeping = Sweeping(app, sweeper, interval=1.0)
        if step == "publishing":
            monkeypatch.setattr(sweeping, "_empty_lanes", set)
        assert sweeping.sweep() == 1
        node.freeze()

        assert isinstance(within(25.0, sweeping.sweep), AWAY)
