"""All checks together: of the settings, of this machine, and of the servers behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from redis.exceptions import AuthenticationError, RedisError

from worker.composition import connect_to
from worker.doctor.access import access
from worker.doctor.credentials import accounts, sealing, secret_files
from worker.doctor.durability import durability
from worker.doctor.facts import look
from worker.doctor.files import folders
from worker.doctor.findings import Finding, Status
from worker.doctor.machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.doctor.servers import Server
    from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the environment tells beside the settings."""

    #: What starts this process again, None where nothing is seen.
    supervisor: str | None = None
    #: Whether this is a container, where there are no other users.
    is_container: bool = False


def examine_here(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """Yield what is found without asking anybody: settings, files and this process."""
    yield sealing(settings)
    yield from accounts(settings)
    yield from secret_files(settings, is_container=surroundings.is_container)
    yield from folders(settings)
    yield from machine(supervisor=surroundings.supervisor)


def examine_server(server: Server) -> Iterator[Finding]:
    """
    Yield what is found about *server*.

    Raises:
        redis.RedisError: it does not answer, or does not let us in.
    """
    with connect_to(server.url) as redis:
        facts = look(redis)
    yield from durability(server, facts)
    yield from access(server, facts)


def examine_or_tell(server: Server) -> Iterator[Finding]:
    """Yield what is found about *server*, or why nothing could be found."""
    try:
        findings = list(examine_server(server))
    except RedisError as error:
        yield unreachable(server, error)
    else:
        yield Finding("reachable", str(server), Status.OK, "answers")
        yield from findings


def unreachable(server: Server, error: RedisError) -> Finding:
    """Return why *server* cannot be used; no answer of a server is repeated."""
    if isinstance(error, AuthenticationError):
        found = "it does not take the user and password of the URL"
        remedy = f"put those that it takes into {server.setting}, percent-encoded"
    else:
        found = f"it does not answer as it should ({type(error).__name__})"
        remedy = f"start it, or name another in {server.setting}"
    return Finding("reachable", str(server), Status.ERROR, found, remedy)


def tolerated(findings: Iterable[Finding], checks: Iterable[str]) -> list[Finding]:
    """Return *findings* with warnings in the place of errors that the operator puts up with."""
    accepted = frozenset(checks)
    return [
        replace(finding, status=Status.WARNING) if finding.is_error and finding.check in accepted else finding
        for finding in findings
    ]
