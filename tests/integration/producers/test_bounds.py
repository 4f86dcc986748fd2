"""
How long a caller waits when the queue is away: a second where it is down, six where it hangs.

A caller whose connections are old and one that has none yet; journal and broker together, and each alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from producers.async_client import AsyncMailer
from producers.client import Mailer
from producers.errors import QueueUnavailable
from tests.scoreboard import Measure, Scoreboard
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.producers.conftest import NewRedis
    from tests.servers.redis_server import RedisServer

MAIL: Final = {"to": "ann@example.org", "subject": "s", "body": "b"}

#: Seconds that a caller may wait, with a little for a busy machine.
WHEN_DOWN: Final = 1.0
WHEN_HUNG: Final = 6.0
BUSY: Final = 0.5


class Caller:
    """Enqueues in the ways there are, and holds each of them to the same bound."""

    def __init__(self, mailer: Mailer, scoreboard: Scoreboard) -> None:
        self.mailer = mailer
        self._scoreboard = scoreboard

    def one(self) -> str:
        return self.mailer.enqueue(MAIL)

    def many(self) -> Any:
        return self.mailer.enqueue_many([MAIL] * 1200).ids

    def hold(self, call: Callable[[], object], most: float) -> bool:
        """Whether *call* ended well; it ends so or with the one documented exception, in time."""
        began = time.monotonic()
        try:
            call()
        except QueueUnavailable:
            is_well = False
        else:
            is_well = True
        seconds = time.monotonic() - began
        self._scoreboard.note(Measure.ENQUEUE, seconds)

        assert seconds <= most + BUSY
        return is_well


@pytest.fixture(params=["cold", "warm"])
def caller(request: pytest.FixtureRequest, scoreboard: Scoreboard) -> Iterator[Callable[..., Caller]]:
    """Make a caller that has never connected, or one that has just enqueued."""
    mailers: list[Mailer] = []

    def make(*urls: str) -> Caller:
        broker, *journal = urls
        mailer = Mailer(broker, journal_url=journal[0] if journal else None)
        mailers.append(mailer)
        if request.param == "warm":
            mailer.enqueue(MAIL)
        return Caller(mailer, scoreboard)

    yield make
    for mailer in mailers:
        mailer.close()


@pytest.mark.rounds(1)
def test_r4_a_redis_that_is_down_is_reported_within_a_second(
    new_redis: NewRedis, caller: Callable[..., Caller]
) -> None:
    server = new_redis()
    calling = caller(server.url)
    server.end()

    assert not calling.hold(calling.one, WHEN_DOWN)
    assert not calling.hold(calling.many, WHEN_DOWN)
    assert not calling.hold(lambda: calling.mailer.poll("x"), WHEN_DOWN)


@pytest.mark.rounds(1)
def test_r4_a_redis_that_hangs_is_reported_within_six_seconds(
    new_redis: NewRedis, caller: Callable[..., Caller]
) -> None:
    server = new_redis()
    calling = caller(server.url)
    server.freeze()

    assert not calling.hold(calling.one, WHEN_HUNG)
    assert not calling.hold(calling.many, WHEN_HUNG)


@pytest.mark.rounds(1)
def test_r5_a_half_open_connection_is_reported_within_six_seconds(
    new_redis: NewRedis, caller: Callable[..., Caller]
) -> None:
    with Proxy(new_redis().port) as proxy:
        calling = caller(proxy.url)
        proxy.fall_silent()

        assert not calling.hold(calling.one, WHEN_HUNG)
        proxy.recover()
        assert calling.hold(calling.one, WHEN_HUNG)


@pytest.mark.rounds(1)
@pytest.mark.parametrize("harm", ["down", "hung"])
def test_r4_a_journal_that_is_away_is_reported_though_the_broker_is_well(
    new_redis: NewRedis, caller: Callable[..., Caller], harm: str
) -> None:
    broker, journal = new_redis(), new_redis()
    calling = caller(broker.url, journal.url)
    _harm(journal, harm)

    assert not calling.hold(calling.one, WHEN_DOWN if harm == "down" else WHEN_HUNG)


@pytest.mark.rounds(1)
@pytest.mark.parametrize("harm", ["down", "hung"])
def test_r4_mails_are_accepted_while_the_journal_is_well_and_the_broker_away(
    new_redis: NewRedis, caller: Callable[..., Caller], harm: str
) -> None:
    broker, journal = new_redis(), new_redis()
    calling = caller(broker.url, journal.url)
    _harm(broker, harm)
    most = WHEN_DOWN if harm == "down" else WHEN_HUNG

    assert calling.hold(calling.many, most)
    assert calling.hold(calling.one, WHEN_DOWN)


def _harm(server: RedisServer, harm: str) -> None:
    if harm == "down":
        server.end()
    else:
        server.freeze()


@pytest.mark.rounds(1)
def test_r4_callers_in_an_event_loop_wait_no_longer(new_redis: NewRedis, scoreboard: Scoreboard) -> None:
    """Twenty at once, and the loop itself stands still for none of them."""
    server = new_redis()
    server.freeze()
    gaps: list[float] = []

    async def pulse() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.05)
            gaps.append(time.monotonic() - before)

    async def call() -> list[object]:
        beating = asyncio.create_task(pulse())
        async with AsyncMailer(server.url) as mailer:
            outcomes = await asyncio.gather(
                *(mailer.enqueue(MAIL) for _ in range(20)), return_exceptions=True
            )
        beating.cancel()
        return outcomes

    began = time.monotonic()
    outcomes = asyncio.run(call())
    seconds = time.monotonic() - began
    scoreboard.note(Measure.ENQUEUE, seconds)

    assert {type(outcome) for outcome in outcomes} == {QueueUnavailable}
    assert seconds <= WHEN_HUNG + BUSY
    assert max(gaps) < 1.0


@pytest.mark.rounds(1)
def test_r4_threads_that_enqueue_at_once_wait_no_longer(new_redis: NewRedis, scoreboard: Scoreboard) -> None:
    """Thirty threads on one mailer, more than the broker's pool has connections, and its broker hangs."""
    broker, journal = new_redis(), new_redis()
    broker.freeze()
    with closing(Mailer(broker.url, journal_url=journal.url)) as mailer:
        caller = Caller(mailer, scoreboard)
        outcomes: list[bool] = []
        threads = [
            threading.Thread(target=lambda: outcomes.append(caller.hold(caller.one, WHEN_HUNG)))
            for _ in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert outcomes == [True] * 30


def test_a_name_that_is_not_resolved_is_reported_at_once(scoreboard: Scoreboard) -> None:
    with closing(Mailer("redis://no-such-host.invalid:6379/0")) as mailer:
        caller = Caller(mailer, scoreboard)

        assert not caller.hold(caller.one, WHEN_HUNG)
