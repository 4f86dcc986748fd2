"""The journal under everything that may happen, in any order: see `machine`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.tasks.journal import machine

if TYPE_CHECKING:
    from redis import Redis


@pytest.mark.timeout(0)
def test_accepted_mails_end_in_one_honest_result_whatever_happens(redis: Redis) -> None:
    machine.run(redis, examples=40)
