"""Calls reach the consumer's thread, whatever comes between."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kombu.asynchronous import Hub

from worker import waker
from worker.dispatch.tray import Tray

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


def turn(hub: Any) -> None:
    hub.run_once()


def test_a_call_wakes_the_loop_and_is_made_in_its_thread(hub: Any) -> None:
    tray, made = Tray(), []
    tray.serve(hub)
    threading.Timer(0.05, lambda: tray.put(lambda: made.append(threading.get_ident()))).start()

    while not made:
        turn(hub)

    assert made == [threading.get_ident()]


def test_a_call_put_in_while_the_loop_is_being_woken_wakes_it_again(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tray, made = Tray(), []
    tray.serve(hub)
    read = os.read

    def reads_late(descriptor: int, size: int) -> bytes:
        monkeypatch.setattr(waker.os, "read", read)
        tray.put(lambda: made.append("amid"))
        return read(descriptor, size)

    monkeypatch.setattr(waker.os, "read", reads_late)
    tray.put(lambda: made.append("first"))
    turn(hub)
    tray.put(lambda: made.append("after"))
    turn(hub)

    assert made == ["first", "amid", "after"]


def test_what_one_call_raises_costs_no_other(hub: Any, caplog: pytest.LogCaptureFixture) -> None:
    tray, made = Tray(), []
    tray.serve(hub)

    def fail() -> None:
        raise ValueError("canary")

    tray.put(fail)
    tray.put(lambda: made.append("next"))
    turn(hub)

    assert made == ["next"]
    assert "canary" not in caplog.text
    assert "not concluded" in caplog.text
