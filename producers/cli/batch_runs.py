"""What `postroom reset-passwords USERS` does: check the file, mail the canary, run the job."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from dataclasses import asdict, replace
from typing import IO, TYPE_CHECKING, Any, NoReturn

import typer
from redis.exceptions import RedisError

from producers.away import unavailable
from producers.cli import batch_canary, batch_files, batch_output, connection
from producers.cli.resetting import connected
from producers.password_reset.batch.checking import Usable, check, sifted
from producers.password_reset.batch.flow import Tolerance
from producers.password_reset.batch.pacing import Pace
from producers.password_reset.batch.reading import UnusableFile
from producers.password_reset.batch.retries import begin_again
from producers.password_reset.batch.rows import Wish
from producers.password_reset.batch.runner import Ending, Runner
from producers.password_reset.batch.store import Job, JobState, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.cli.batch_order import Order
    from producers.password_reset.batch.checking import Checked
    from producers.password_reset.resets import Resets


def start(order: Order, broker: str | None, journal: str | None, *, as_json: bool) -> NoReturn:
    """
    Run the job of a file, or only check it, and exit.

    Raises:
        SystemExit: 0 all sent, 1 some were not, 2 the input is wrong, 3 stopped before its end.
    """
    with batch_files.opened(order.users) as file:
        checked = _checked(order, file)
        if order.is_dry or (checked.wrong and not order.skips_invalid) or not checked.usable:
            batch_output.show_check(checked, order, as_json=as_json)
            sys.exit(0 if checked.usable and not checked.wrong else 2)
        if not as_json:
            batch_output.show_left_out(checked)
        with connected(broker, journal) as resets:
            if order.canary:
                batch_canary.send(order, checked, broker, journal)
            redis = connection.journal(broker, journal)
            try:
                _run(order, file, checked, resets, redis, as_json=as_json)
            except RedisError as error:
                raise unavailable(error) from error


def _checked(order: Order, file: IO[bytes]) -> Checked:
    try:
        with batch_output.reading() as tell:
            return check(file, order.wish, tell=tell)
    except UnusableFile as unusable:
        raise typer.BadParameter(str(unusable), param_hint="USERS") from None


def _run(  # noqa: PLR0913 - what a run is made of
    order: Order, file: IO[bytes], checked: Checked, resets: Resets, redis: Any, *, as_json: bool
) -> NoReturn:
    job_id = batch_files.job_id_of(order.users, order.name, file)
    store = Store(redis)
    rows = min(checked.usable, order.limit or checked.usable)
    job = store.open(
        Job(job_id, JobState.RUNNING, rows=rows, actor=order.wish.actor, wish=asdict(order.wish))
    )
    if job.state is JobState.CANCELLED or (job.state is JobState.PAUSED and order.retries is None):
        batch_output.refuse(job, as_json=as_json)
    if retries := order.retries:
        order = replace(order, wish=Wish(**{**job.wish, "actor": order.wish.actor}))
        begin_again(store, job_id, only=retries)
    store.set_state(job_id, JobState.RUNNING)
    stopping = _stop_on_signals()
    with batch_output.running(job_id, rows, is_quiet=as_json) as tell:
        runner = Runner(
            job_id,
            store,
            resets,
            Pace(redis, account=order.wish.account, rate=order.rate),
            in_flight=order.in_flight,
            tolerance=Tolerance(failures=order.failures, refused=order.refused),
            told_to_stop=stopping.is_set,
            tell=tell,
        )
        ending = runner.run(_usable(order, file))
    batch_output.finish(store, job_id, is_over=ending is Ending.DONE, as_json=as_json)


def _usable(order: Order, file: IO[bytes]) -> Iterator[Usable]:
    file.seek(0)
    found = (each for each in sifted(file, order.wish) if isinstance(each, Usable))
    return itertools.islice(found, order.limit)


def _stop_on_signals() -> threading.Event:
    """Let Ctrl-C and SIGTERM end the run between two steps; a second one ends it at once."""
    stopping = threading.Event()

    def stop(number: int, _: object) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping
