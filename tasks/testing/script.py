"""The script of a scripted server: what it does at which step."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tasks.testing.actions import Say

if TYPE_CHECKING:
    from tasks.testing.actions import Action, One, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """
    One step for each thing that a client does; None leaves it to the server, which then is a good one.

    *banner* comes on connecting, *tls* instead of the handshake, *auth* instead of the verdict on a login,
    *body* when the first bytes of the content have come, *dot* after all of it. *rcpt* may be a mapping from
    address to step.
    """

    banner: Step = None
    ehlo: Step = None
    helo: Step = None
    starttls: Step = None
    tls: Step = None
    auth: Step = None
    mail: Step = None
    rcpt: Step | Mapping[str, Step] = None
    data: Step = None
    body: Step = None
    dot: Step = None
    rset: Step = None
    noop: Step = None
    quit: Step = None


class Play:
    """A script being followed: counts how often each step was reached."""

    def __init__(self, script: Script) -> None:
        self._steps = {field.name: getattr(script, field.name) for field in fields(script)}
        self._reached: Counter[str] = Counter()
        self._lock = threading.Lock()

    def next(self, step: str, address: str = "") -> Action | None:
        """Return what to do at *step* now, for *address* at "rcpt"; None for what comes by itself."""
        planned = self._steps[step]
        key = step
        if isinstance(planned, Mapping):
            planned, key = planned.get(address), f"{step} {address}"
        with self._lock:
            time = self._reached[key]
            self._reached[key] += 1
        return _action(_nth(planned, time))


def _nth(planned: Step, time: int) -> One:
    if isinstance(planned, tuple):
        return planned[time] if time < len(planned) else None
    return planned


def _action(planned: One) -> Action | None:
    return Say(planned) if isinstance(planned, str) else planned
