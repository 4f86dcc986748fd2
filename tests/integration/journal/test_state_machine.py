"""The journal's scripts in a real server, under everything that may happen in any order."""

from __future__ import annotations

import pytest
from redis import Redis

from tests import sizes
from tests.scoreboard import Measure, Scoreboard
from tests.unit.tasks.journal import machine

#: A database of its own, since the machine empties it again and again.
DATABASE = 9


@pytest.mark.timeout(0)
def test_accepted_mails_end_in_one_honest_result_whatever_happens(
    valkey: str, scoreboard: Scoreboard
) -> None:
    examples, broken = sizes.scaled(2500, once=200), 1
    try:
        with Redis.from_url(f"{valkey.removesuffix('/0')}/{DATABASE}") as redis:
            machine.run(redis, examples=examples)
        broken = 0
    finally:
        scoreboard.note(Measure.STATE_MACHINE, broken, of=examples)
