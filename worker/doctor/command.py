"""What `postroom doctor` examines: what a worker does at its start, Flower's login, and the accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.failures import Failure
from worker import verifying
from worker.doctor.credentials import flower
from worker.doctor.examination import examine_here, examine_or_tell, tolerated
from worker.doctor.findings import Finding, Status
from worker.doctor.rabbitmq import rabbitmq
from worker.doctor.resets import resets
from worker.doctor.servers import servers
from worker.environment import flower_problem, surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.settings import Settings
    from worker.verifying import Report


def diagnose(settings: Settings, *, account_timeout: float | None = None) -> list[Finding]:
    """Return all findings; with *account_timeout* seconds for each, the accounts are tried, too."""
    return tolerated(_findings(settings, account_timeout), settings.tolerate)


def _findings(settings: Settings, account_timeout: float | None) -> Iterator[Finding]:
    yield from rabbitmq(settings)
    for server in servers(settings):
        yield from examine_or_tell(server)
    yield from resets(settings)
    # Whether a worker is supervised is seen by the worker alone; this command is not.
    yield from (f for f in examine_here(settings, surroundings()) if f.check != "supervisor")
    found = "only a worker can tell, and does when it starts"
    yield Finding("supervisor", "process", Status.UNKNOWN, found, "look for `supervisor` in the worker's log")
    yield flower(flower_problem())
    if account_timeout is not None and settings.accounts:
        for report in verifying.verify(settings, settings.accounts.values(), timeout=account_timeout):
            yield _tried(report)


def _tried(report: Report) -> Finding:
    subject = f"account {report.account.name}"
    if not isinstance(report.outcome, Failure):
        return Finding("verify", subject, Status.OK, "its server takes it")
    reply = report.outcome.reply
    remedy = report.outcome.hint or f"`postroom verify {report.account.name}` shows more"
    found = f"its server cannot be used: code {reply.code}"
    return Finding("verify", subject, Status.ERROR, found, remedy)
