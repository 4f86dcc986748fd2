"""The numbers of all deliveries, read from Redis whenever Prometheus asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from producers.hooks.ledger import Ledger

#: What may come of an attempt; "disabled" ones were given up without one.
_OUTCOMES = ("delivered", "retry", "failed", "disabled")


class HookNumbers(Collector):
    """
    What senders have done and what waits for them; the same whichever process of the gateway is asked.

    Nothing is told when Redis is away: the other numbers are needed then more than ever.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> Iterator[Metric]:
        """Name the numbers without asking for them."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask for the numbers."""
        try:
            numbers = self._ledger.numbers()
        except (RedisError, OSError):
            return
        attempts = CounterMetricFamily(
            "postroom_hooks_attempts", "Attempts to deliver to webhooks.", labels=["outcome"]
        )
        for outcome in _OUTCOMES:
            attempts.add_metric([outcome], numbers.outcomes.get(outcome, 0))
        yield attempts
        yield GaugeMetricFamily("postroom_hooks_pending", "Deliveries that wait.", numbers.pending)
        yield GaugeMetricFamily(
            "postroom_hooks_unread", "Ends of mails of which no delivery was made yet.", numbers.unread
        )
        yield GaugeMetricFamily(
            "postroom_hooks_late_seconds",
            "How long the most urgent delivery is overdue.",
            numbers.seconds_late,
        )
