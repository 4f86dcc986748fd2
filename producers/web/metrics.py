"""What the gateway counts, for Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from producers.web.hook_numbers import HookNumbers

if TYPE_CHECKING:
    from producers.hooks.ledger import Ledger

#: The media type of what `Metrics.render` returns.
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Where several processes put their numbers together; prometheus_client reads it when it is imported.
SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_MAILS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Metrics:
    """
    Requests by route and status, attempts to sign in, how long handing in takes, and of how many mails.

    With a *ledger* the numbers of deliveries to webhooks, too.
    """

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._registry = CollectorRegistry()
        self._hooks = HookNumbers(ledger) if ledger else None
        #: Kept, since `labels` takes longer to find one than to count; there are few.
        self._series: dict[tuple[str, str, int], Counter] = {}
        self.requests = Counter(
            "postroom_web_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.sign_ins = Counter(
            "postroom_web_sign_ins",
            "Attempts to sign in to the pages.",
            ("outcome",),
            registry=self._registry,
        )
        self.handing_in = Histogram(
            "postroom_web_hand_in_seconds",
            "From a request's valid mails to their ids.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.run_size = Histogram(
            "postroom_web_run_mails",
            "Mails that went into the queue together.",
            buckets=_MAILS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int) -> None:
        """Count a request that was answered."""
        series = (method, route, status)
        if series not in self._series:
            self._series[series] = self.requests.labels(*series)
        self._series[series].inc()

    def render(self) -> bytes:
        """Return the numbers of all processes in the text format."""
        together = CollectorRegistry()
        if os.environ.get(SHARED_FOLDER):
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # prometheus_client's
        else:
            together.register(self._registry)
        if self._hooks:
            together.register(self._hooks)
        return generate_latest(together)
