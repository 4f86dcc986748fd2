"""How much is measured: a quarter of an hour of everything, or the full sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Plan:
    """Rounds, and the numbers of mails of each scenario; *seconds* are those of the latency."""

    rounds: int
    bulk: int
    single: int
    enqueue_many: int
    enqueue_one: int
    seconds: float
    near: int
    far: int
    large: int
    growth: tuple[int, ...]
    warm: int


SMALL: Final = Plan(
    rounds=2,
    bulk=2000,
    single=5000,
    enqueue_many=10_000,
    enqueue_one=2000,
    seconds=6.0,
    near=1000,
    far=400,
    large=300,
    growth=(1000, 5000),
    warm=5000,
)
FULL: Final = Plan(
    rounds=3,
    bulk=20_000,
    single=10_000,
    enqueue_many=20_000,
    enqueue_one=5000,
    seconds=8.0,
    near=5000,
    far=5000,
    large=3000,
    growth=(1000, 5000, 20_000, 100_000),
    warm=10_000,
)
#: Whether the harness works, and nothing about speed.
TINY: Final = Plan(
    rounds=1,
    bulk=60,
    single=60,
    enqueue_many=600,
    enqueue_one=60,
    seconds=1.0,
    near=60,
    far=20,
    large=20,
    growth=(50,),
    warm=50,
)
