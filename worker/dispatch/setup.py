"""Telling Celery to use the dispatcher, and refusing what does not go with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from celery import signals

from worker.dispatch.pool import SenderPool

if TYPE_CHECKING:
    from celery import Celery

    from worker.settings import Settings

#: Messages that a process may have fetched and not yet concluded, for each sender and in all.
_FOR_EACH: Final = 64
_IN_ALL: Final = 512


@dataclass(frozen=True, slots=True)
class DispatchOptions:
    """
    What the pool must know beside its size.

    *connections* may be busy for one account; *trims* says that Redis is used more sparingly than by Celery.
    """

    connections: int
    trims: bool


def set_up(app: Celery, settings: Settings) -> None:
    """Have workers of *app* carry mails by the dispatcher."""
    fetched = min(_FOR_EACH * settings.concurrency, max(_IN_ALL, settings.concurrency))
    app.conf.update(
        worker_pool=f"{SenderPool.__module__}:{SenderPool.__qualname__}",
        worker_concurrency=settings.concurrency,
        worker_prefetch_multiplier=fetched // settings.concurrency,
        # The prefetch count is for runs, not for processes that come and go.
        worker_enable_prefetch_count_reduction=False,
        postroom_dispatch=DispatchOptions(settings.connections, settings.trims),
    )


@signals.worker_init.connect
def _refuse_other_ways(sender: Any, **_: Any) -> None:
    """Say at the start what would otherwise go wrong later."""
    if sender.app.conf.get("postroom_dispatch") is None:
        return
    if sender.pool_cls is not SenderPool and not _names_it(sender.pool_cls):
        _refuse("-P/--pool: mails are carried by the worker's own pool; leave the option out")
    if sender.options.get("autoscale"):
        _refuse("--autoscale: idle senders cost nothing; leave the option out, and use -c/--concurrency")


def _names_it(pool: Any) -> bool:
    return bool(pool == f"{SenderPool.__module__}:{SenderPool.__qualname__}")


def _refuse(sentence: str) -> None:
    sys.stderr.write(f"postroom: {sentence}\n")
    # Code 2 tells the supervisor that starting again will not help.
    raise SystemExit(2)
