"""The worker's Celery app, for `celery -A worker.app`."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from celery import signals

from tasks.journal.sweeper import Sweeper
from tasks.password_reset.assembly import letters_of
from tasks.send_email import register
from worker import logs, outputs, starting
from worker.composition import connect, delivery_service, journal_options, notices, recovery, sieve
from worker.dispatch.setup import set_up as set_up_dispatch
from worker.dispatch.strategy import Mails
from worker.environment import process_number, settings_from_environment, surroundings
from worker.memory import collect_seldom
from worker.notifying import Notifying
from worker.numbered import numbered_file, numbered_node
from worker.queue import QueueApp
from worker.settings_sources import InvalidSettings
from worker.sweeping import Sweeping
from worker.watchdog import Watchdog

if TYPE_CHECKING:
    from celery import Celery

    from tasks.delivery.delivery import DeliveryService
    from worker.settings import Settings


def build(settings: Settings) -> Celery:
    """Return a Celery app that sends mail as *settings* say."""
    app = QueueApp(settings.broker_url, backend=settings.results, sieve=sieve(settings), trims=settings.trims)
    set_up_dispatch(app, settings)

    @functools.cache
    def service() -> DeliveryService:
        return delivery_service(settings)

    register(app, service, Strategy=f"{Mails.__module__}:{Mails.__name__}")
    return app


def _settings() -> tuple[Settings, int]:
    """Return settings and number of this process, or end it with a sentence for each that is wrong."""
    try:
        return settings_from_environment(), process_number()
    except InvalidSettings as invalid:
        raise _unusable(str(invalid)) from None


def _unusable(why: str) -> SystemExit:
    sys.stderr.write(f"postroom: the settings cannot be used\n{why}\n")
    # Code 2 tells the supervisor that starting again will not help.
    return SystemExit(2)


settings, number = _settings()
app = build(settings)
_sweeping = Sweeping(
    QueueApp(settings.broker_url),
    Sweeper(connect(settings), options=journal_options(settings)),
    interval=settings.sweep_interval,
    recovery=recovery(settings),
)


@signals.celeryd_init.connect
def _lose_output_rather_than_mails(**_: Any) -> None:
    outputs.lose_rather_than_fail()


@signals.celeryd_init.connect
def _take_a_name_of_its_own(instance: Any, **_: Any) -> None:
    instance.hostname = numbered_node(instance.hostname, number)


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    logs.set_up(settings)


@signals.worker_init.connect
def _try_password_resets(**_: Any) -> None:
    try:
        letters_of(settings.resets)
    except ValueError as wrong:
        raise _unusable(str(wrong)) from None


@signals.celeryd_after_setup.connect
def _check(**_: Any) -> None:
    starting.check(settings, surroundings())


@signals.worker_ready.connect
def _collect_seldom(**_: Any) -> None:
    collect_seldom()


@signals.worker_ready.connect
def _start_sweeping(**_: Any) -> None:
    _sweeping.start()


@signals.worker_ready.connect
def _start_watching(sender: Any, **_: Any) -> None:
    if settings.watchdog:
        watchdog = Watchdog(QueueApp(settings.broker_url), connect(settings), sender, settings.watchdog)
        signals.worker_shutting_down.connect(lambda **_: watchdog.stop(), weak=False)
        watchdog.start()


@signals.worker_ready.connect
def _start_notifying(**_: Any) -> None:
    if settings.resets.is_used and settings.resets.actor_domain:
        notifying = Notifying(notices(settings), interval=settings.sweep_interval)
        signals.worker_shutting_down.connect(lambda **_: notifying.stop(), weak=False)
        notifying.start()


@signals.worker_shutting_down.connect
def _stop_sweeping(**_: Any) -> None:
    _sweeping.stop()


@signals.heartbeat_sent.connect
def _show_life(**_: Any) -> None:
    if settings.heartbeat_file:
        numbered_file(settings.heartbeat_file, number).touch()
