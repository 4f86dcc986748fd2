"""Stop signals are obeyed in pauses, and only there."""

from __future__ import annotations

import signal

import pytest

from producers.demo.interrupts import Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_for_the_next_pause(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    interrupts = Interrupts()
    with interrupts.listening():
        interrupts.pause(0)
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            interrupts.pause(0)

    assert signal.getsignal(number) is before
