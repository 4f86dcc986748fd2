"""A public form in front of the running gateway: nobody can tell from outside who has an account."""

from __future__ import annotations

import random
import time
from statistics import NormalDist, median
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

    from tests.servers.gateway import Running

ROUNDS = 200
REQUESTS = "/v1/password-resets/requests"


def difference(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the probability that two samples of one distribution differ so much (Mann and Whitney, 1947)."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, sample) in enumerate(ranked, start=1) if sample == 0)
    count, other = len(first), len(second)
    surprise = ranks - count * (count + 1) / 2 - count * other / 2
    spread = (count * other * (count + other + 1) / 12) ** 0.5
    return 2 * NormalDist().cdf(-abs(surprise) / spread)


def test_the_statistic_finds_a_difference_where_there_is_one() -> None:
    draw = random.Random(7)  # noqa: S311 - no secret
    base = [draw.gauss(10, 1) for _ in range(ROUNDS)]

    assert difference(base, [draw.gauss(10, 1) for _ in range(ROUNDS)]) > 0.01
    assert difference(base, [draw.gauss(10.5, 1) for _ in range(ROUNDS)]) < 0.01


@pytest.mark.timeout(180)
def test_an_account_that_exists_makes_no_difference_in_answer_or_time(
    start_gateway: Callable[..., Running], valkey_url: str
) -> None:
    running = start_gateway(valkey_url)
    _, token = running.keys.create(
        name="form", resets=("requests",), rate=100_000.0, burst=100_000, account=None
    )
    findings = [_trial(running, str(token)) for _ in range(2)]
    print([f"p = {p:.3f}" for p, _ in findings])  # noqa: T201 - both are to be seen where one fails

    assert all(shapes == 1 for _, shapes in findings)
    assert max(p for p, _ in findings) > 0.01


def _trial(running: Running, token: str) -> tuple[float, int]:
    """Ask for accounts that were asked for a moment ago, and for ones that nobody knows, in random order."""
    samples: dict[bool, list[float]] = {True: [], False: []}
    shapes = set()
    with running.client(token) as client:
        # A running gateway knows a new key within a second.
        until = time.monotonic() + 10.0
        while _ask(client, "warm@example.org")[1].status_code != 202:
            assert time.monotonic() < until
        for number in range(20):
            _ask(client, f"warm{number}@example.org")
        order = [True, False] * ROUNDS
        random.shuffle(order)
        for number, is_known in enumerate(order):
            user = "ann@example.org" if is_known else f"u{number:06}@x.org"
            seconds, answer = _ask(client, user)
            samples[is_known].append(seconds)
            stable = {k: v for k, v in answer.headers.items() if k not in {"date", "ratelimit"}}
            body = answer.text.replace(answer.json()["id"], "")
            shapes.add((answer.status_code, body, str(stable)))
    assert median(samples[True]) < 1.0
    return difference(samples[True], samples[False]), len(shapes)


def _ask(client: httpx.Client, user: str) -> tuple[float, httpx.Response]:
    started = time.perf_counter()
    # Each from elsewhere: what is repeated is the account.
    source = f"203.0.113.{random.randrange(1 << 30)}"  # noqa: S311 - no secret
    answer = client.post(REQUESTS, json={"user": user, "source": source})
    return time.perf_counter() - started, answer
