"""Looking at a job of `postroom reset-passwords`, and stopping it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import typer
from redis.exceptions import RedisError

from producers.away import located, unavailable
from producers.cli import batch_output, connection
from producers.cli.resetting import connected
from producers.password_reset.batch import report as reports
from producers.password_reset.batch.catching_up import cancel_waiting, catch_up
from producers.password_reset.batch.store import JobState, Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.password_reset.batch.store import Job


def show(job_id: str, broker: str | None, journal: str | None, *, as_json: bool) -> None:
    """Say where a job stands."""
    with _found(job_id, broker, journal) as (store, job), connected(broker, journal) as resets:
        catch_up(store, resets, job_id)
        batch_output.show_job(job, job_id, store.counts(job_id), as_json=as_json)


def change(
    job_id: str,
    state: Literal["running", "paused", "cancelled"],
    broker: str | None,
    journal: str | None,
    *,
    as_json: bool,
) -> None:
    """Pause, resume or cancel a job; one that was cancelled or is done stays so."""
    with _found(job_id, broker, journal) as (store, job):
        if job.state is JobState.CANCELLED or (job.state is JobState.DONE and state != "running"):
            raise typer.BadParameter(f"{job_id} is {job.state.value} already", param_hint="JOB")
        why = "by command" if state == "paused" else ""
        store.set_state(job_id, JobState(state), why=why)
        if state == "cancelled":
            with connected(broker, journal) as resets:
                cancel_waiting(store, resets, job_id)
        batch_output.show_job(store.job(job_id), job_id, store.counts(job_id), as_json=as_json)


def report(
    job_id: str, kind: Literal["csv", "jsonl", "html"], broker: str | None, journal: str | None
) -> None:
    """Write the report of a job to standard output."""
    with _found(job_id, broker, journal) as (store, job), connected(broker, journal) as resets:
        catch_up(store, resets, job_id)
        records = reports.in_order(store.records(job_id))
        if kind == "html":
            reports.write_html(job, store.counts(job_id), records, sys.stdout)
        elif kind == "jsonl":
            reports.write_jsonl(records, sys.stdout)
        else:
            reports.write_csv(records, sys.stdout)


@contextmanager
def _found(job_id: str, broker: str | None, journal: str | None) -> Iterator[tuple[Store, Job]]:
    try:
        store = Store(connection.journal(broker, journal))
        job = store.job(job_id)
        if job is None:
            raise typer.BadParameter(
                f"there is no job {job_id!r}; jobs are kept for 30 days", param_hint="JOB"
            )
        yield store, job
    except RedisError as error:
        where = connection.place(broker, journal)
        raise located(unavailable(error), where, "--broker") from None
