"""Connections are raced over real sockets; which of them the kernel answers is up to their listeners."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.deadline import Deadline
from tasks.smtp.racing import HEAD_START, MOST_ADDRESSES, alternating, connect_to_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.smtp.racing import Address

V4, V6 = socket.AF_INET, socket.AF_INET6
LOOPBACK = {V4: "127.0.0.1", V6: "::1"}


@contextmanager
def listening(family: socket.AddressFamily = V4) -> Iterator[Address]:
    """An address that answers."""
    with socket.create_server((LOOPBACK[family], 0), family=family) as listener:
        yield family, listener.getsockname()


@contextmanager
def dropping(family: socket.AddressFamily = V4) -> Iterator[Address]:
    """An address whose packets the kernel drops: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((LOOPBACK[family], 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(family))
            waiting.settimeout(0.0)
            waiting.connect_ex(listener.getsockname())
        yield family, listener.getsockname()


def refusing() -> Address:
    """An address at which nobody listens."""
    with listening() as address:
        return address


def connect(*addresses: Address, seconds: float = 5.0) -> tuple[object, float]:
    """Return where a race led to, and how long it took."""
    started = time.monotonic()
    with connect_to_any(addresses, Deadline.after(seconds)) as connection:
        return connection.getpeername(), time.monotonic() - started


def test_an_address_that_answers_is_taken_at_once() -> None:
    with listening() as first, listening() as second:
        peer, seconds = connect(first, second)

    assert peer == first[1]
    assert seconds < HEAD_START


@pytest.mark.parametrize("family", [V4, V6], ids=["IPv4", "IPv6"])
def test_an_address_that_drops_everything_costs_its_head_start(family: socket.AddressFamily) -> None:
    if family is V6 and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    with dropping(family) as dead, listening() as alive:
        peer, seconds = connect(dead, alive)

    assert peer == alive[1]
    assert HEAD_START * 0.9 <= seconds < HEAD_START + 1.5


def test_an_address_that_refuses_costs_nothing() -> None:
    with listening() as alive:
        peer, seconds = connect(refusing(), refusing(), alive)

    assert peer == alive[1]
    assert seconds < HEAD_START


def test_an_address_that_answers_late_still_wins_over_none() -> None:
    with dropping() as dead, listening() as alive:
        with pytest.raises(TimeoutError):
            connect(dead, seconds=0.4)
        peer, _ = connect(dead, refusing(), dead, alive)

    assert peer == alive[1]


def test_a_family_that_this_machine_lacks_is_passed_over() -> None:
    with listening() as alive:
        peer, _ = connect((socket.AddressFamily.AF_APPLETALK, ("x", 1)), alive)

    assert peer == alive[1]


def test_where_every_address_fails_the_last_one_says_why() -> None:
    with pytest.raises(ConnectionRefusedError) as failed:
        connect(refusing(), refusing())

    assert failed.value.errno == errno.ECONNREFUSED


def test_where_nobody_answers_the_deadline_holds() -> None:
    started = time.monotonic()

    with dropping() as dead, pytest.raises(TimeoutError):
        connect(dead, refusing(), seconds=0.6)
    assert 0.55 <= time.monotonic() - started < 2.0


def test_no_socket_is_left_behind() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with dropping() as dead, listening() as alive:
        connect(dead, dead, alive)
        with pytest.raises(TimeoutError):
            connect(*[dead] * (MOST_ADDRESSES + 9), seconds=0.3)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_families_take_turns() -> None:
    six = [(V6, (f"2001:db8::{i}", 587)) for i in range(3)]
    four = [(V4, (f"192.0.2.{i}", 587)) for i in range(2)]

    assert alternating([*six, *four]) == [six[0], four[0], six[1], four[1], six[2]]
    assert alternating(four) == four
