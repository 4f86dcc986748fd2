from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tasks.deadline import Deadline
from tasks.failures import Failure, Reply, TransientFailure
from tasks.smtp.pool import Pool, PoolLimits
from tasks.smtp.session import Session
from tasks.smtp.wire import Wire
from tests.unit.tasks.smtp.conftest import make_route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.smtp.route import Route
    from tests.unit.tasks.smtp.conftest import Clock

SOON = Deadline.after(3600)


class Opener:
    """Opens sessions whose other ends a test holds in its hands."""

    def __init__(self) -> None:
        self.peers: list[socket.socket] = []
        self.sessions: list[Session] = []
        self.failure: Failure | None = None

    def __call__(self, route: Route, _: Deadline) -> Session:
        if self.failure:
            raise self.failure
        ours, theirs = socket.socketpair()
        self.peers.append(theirs)
        self.sessions.append(Session(route, Wire(ours)))
        return self.sessions[-1]


@pytest.fixture
def opener() -> Iterator[Opener]:
    opener = Opener()
    yield opener
    for session in opener.sessions:
        session.abort()
    for peer in opener.peers:
        peer.close()


@pytest.fixture
def pool(opener: Opener, clock: Clock) -> Pool:
    return Pool(opener, PoolLimits(connections=2, mails=10, age=100, idle=30), clock)


def test_a_session_at_rest_is_lent_again(pool: Pool, opener: Opener, route: Route) -> None:
    first = pool.borrow(route, SOON)
    pool.give_back(first)

    assert pool.borrow(route, SOON) is first
    assert first.is_reused
    assert len(opener.sessions) == 1


def test_a_route_gets_no_session_of_another(pool: Pool, route: Route) -> None:
    first = pool.borrow(route, SOON)
    pool.give_back(first)

    assert pool.borrow(make_route(account="other"), SOON) is not first


def test_a_session_that_the_server_closed_makes_room_for_a_living_one(
    pool: Pool, opener: Opener, route: Route
) -> None:
    living, dead = pool.borrow(route, SOON), pool.borrow(route, SOON)
    pool.give_back(living)
    pool.give_back(dead)
    opener.peers[1].close()

    assert pool.borrow(route, SOON) is living
    assert not dead.is_open


def test_a_fresh_session_is_a_new_one_and_those_at_rest_are_dropped(pool: Pool, route: Route) -> None:
    resting = pool.borrow(route, SOON)
    pool.give_back(resting)

    fresh = pool.borrow(route, SOON, fresh=True)

    assert fresh is not resting
    assert not fresh.is_reused
    assert not resting.is_open


@pytest.mark.parametrize(("mails", "seconds"), [(10, 0), (0, 31), (0, 101)], ids=["mails", "idle", "age"])
def test_a_spent_session_is_not_lent_again(
    pool: Pool, route: Route, clock: Clock, mails: int, seconds: float
) -> None:
    first = pool.borrow(route, SOON)
    first.mails = mails
    pool.give_back(first)
    clock.now += seconds

    assert pool.borrow(route, SOON) is not first
    assert not first.is_open


def test_no_more_sessions_than_allowed_are_lent(pool: Pool, route: Route) -> None:
    pool.borrow(route, SOON)
    lent = pool.borrow(route, SOON)
    with pytest.raises(TransientFailure):
        pool.borrow(route, Deadline.after(0.01))
    pool.give_back(lent)

    assert pool.borrow(route, SOON) is lent


def test_a_session_that_does_not_open_takes_no_place(pool: Pool, opener: Opener, route: Route) -> None:
    opener.failure = TransientFailure(Reply(611, "no"))
    for _ in range(5):
        with pytest.raises(TransientFailure):
            pool.borrow(route, Deadline.after(0.01))
    opener.failure = None

    assert pool.borrow(route, SOON).is_open


def test_a_session_in_doubt_is_not_kept(pool: Pool, route: Route) -> None:
    first = pool.borrow(route, SOON)
    first.abort()
    pool.give_back(first)

    assert pool.borrow(route, SOON) is not first


def test_closing_takes_leave_of_the_sessions_at_rest(pool: Pool, opener: Opener, route: Route) -> None:
    pool.give_back(pool.borrow(route, SOON))
    pool.close()

    assert opener.peers[0].recv(100) == b"QUIT\r\n"
    assert not opener.sessions[0].is_open
