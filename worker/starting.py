"""The check before a worker takes its first mail: told in development, enforced in production."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from redis.exceptions import NoPermissionError, RedisError

from worker.composition import connect_to
from worker.doctor.durability import replication
from worker.doctor.examination import examine_here, examine_or_tell, tolerated, unreachable
from worker.doctor.facts import Facts
from worker.doctor.rabbitmq import rabbitmq
from worker.doctor.resets import resets
from worker.doctor.servers import servers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis

    from worker.doctor.examination import Surroundings
    from worker.doctor.findings import Finding
    from worker.doctor.servers import Server
    from worker.settings import Settings

logger = logging.getLogger(__name__)

#: Tells the supervisor that starting again will not help.
REFUSED: Final = 2

#: Checks whose errors may be gone in a moment: the server is waited for.
_PASSING: Final = frozenset({"reachable", "replication"})

_PAUSE: Final = 1.0
_SECONDS_BETWEEN_LINES: Final = 10.0


def check(settings: Settings, surroundings: Surroundings) -> None:
    """
    Log what is wrong with settings, machine and servers; wait for servers that are down.

    Raises:
        SystemExit: this is production, and mail would be lost or a secret shown.
    """
    here = tolerated(examine_here(settings, surroundings), settings.tolerate)
    used = servers(settings)
    if not _is_refused(here, settings):
        for server in used:
            if server.keeps_mail:
                _wait_for(server)
    there = [finding for server in used for finding in examine_or_tell(server)]
    there += rabbitmq(settings)
    there += resets(settings)
    _judge([*here, *tolerated(there, settings.tolerate)], settings)


def _is_refused(findings: Iterable[Finding], settings: Settings) -> bool:
    return settings.mode == "production" and any(map(_refuses, findings))


def _refuses(finding: Finding) -> bool:
    return finding.is_error and finding.check not in _PASSING


def _judge(findings: Iterable[Finding], settings: Settings) -> None:
    judged = list(findings)
    is_refused = _is_refused(judged, settings)
    for finding in judged:
        if not finding.is_fine:
            _tell(finding, is_refused=is_refused and _refuses(finding))
    if is_refused:
        advice = "mend what is wrong, or name its checks in POSTROOM_TOLERATE"
        logger.error("not started", extra={"mode": settings.mode, "remedy": advice})
        raise SystemExit(REFUSED)


def _tell(finding: Finding, *, is_refused: bool) -> None:
    facts = {
        "check": finding.check,
        "subject": finding.subject,
        "status": finding.status.value,
        "found": finding.found,
        "remedy": finding.remedy,
    }
    logger.log(logging.ERROR if is_refused else logging.WARNING, "start-up check", extra=facts)


def _wait_for(server: Server) -> None:
    """Return as soon as *server* serves: it may be starting, changing its password, or giving up its role."""
    told = float("-inf")
    with connect_to(server.url) as redis:
        while obstacle := _obstacle(server, redis):
            if time.monotonic() - told >= _SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                facts = {"subject": str(server), "found": obstacle.found, "remedy": obstacle.remedy}
                logger.warning("waiting for a server", extra=facts)
            time.sleep(_PAUSE)


def _obstacle(server: Server, redis: Redis) -> Finding | None:
    try:
        redis.ping()
        facts = Facts(info=redis.info("replication"))
    except NoPermissionError:
        return None
    except RedisError as error:
        return unreachable(server, error)
    role = replication(server, facts)
    return role if role.is_error else None
