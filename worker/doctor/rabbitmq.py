"""Whether a RabbitMQ can be the queue (docs/howto/rabbitmq.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from kombu import Connection
from kombu.exceptions import KombuError, OperationalError

from tasks.contract.places import is_rabbitmq, scheme_of
from worker.doctor.access import addresses
from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.settings import Settings

_SETTING: Final = "POSTROOM_BROKER_URL"
_LONGEST_CONNECT: Final = 2.0
#: The oldest RabbitMQ that Postroom was tested with.
OLDEST: Final = (3, 10)


def rabbitmq(settings: Settings) -> Iterator[Finding]:
    """Yield what is to be said about the queue, where that is a RabbitMQ."""
    if not is_rabbitmq(settings.broker_url):
        return
    parts = urlsplit(settings.broker_url)
    subject = f"{parts.hostname}:{parts.port or 5672} (queue)"
    yield _user(parts.username or "guest", subject)
    yield _network(settings.broker_url, parts.hostname or "localhost", subject)
    try:
        version = _version_of(settings.broker_url)
    except (KombuError, OperationalError, OSError, EOFError) as error:
        found = f"it does not answer as it should ({type(error).__name__})"
        remedy = f"start it, or name another in {_SETTING}"
        yield Finding("reachable", subject, Status.ERROR, found, remedy)
    else:
        yield Finding("reachable", subject, Status.OK, "answers")
        yield judged(version, subject)


def _version_of(url: str) -> str:
    with Connection(url, connect_timeout=_LONGEST_CONNECT) as connection:
        transport: Any = connection.connection
        return str(transport.server_properties.get("version", ""))


def judged(version: str, subject: str) -> Finding:
    """Return whether this *version* of RabbitMQ has the queues that we declare."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers >= OLDEST:
        return Finding("version", subject, Status.OK, f"RabbitMQ {version}")
    found = (
        f"RabbitMQ {version or 'of an unknown version'} was not tested; its queues may be no quorum queues"
    )
    return Finding(
        "version", subject, Status.WARNING, found, f"update it to {'.'.join(map(str, OLDEST))} or newer"
    )


def _user(name: str, subject: str) -> Finding:
    if name != "guest":
        return Finding("password", subject, Status.OK, "a user of its own")
    found = "the user guest, whose password everybody knows, may use it from its own machine"
    remedy = f"`rabbitmqctl add_user postroom`, `rabbitmqctl delete_user guest`, and the login in {_SETTING}"
    return Finding("password", subject, Status.ERROR, found, remedy)


def _network(url: str, host: str, subject: str) -> Finding:
    public = [address for address in addresses(host) if address.is_global]
    if scheme_of(url) == "amqps" or not public:
        return Finding("network", subject, Status.OK, "encrypted, or in a private network")
    found = f"password and mails cross a public network unencrypted, to {public[0]}"
    return Finding("network", subject, Status.ERROR, found, f"an amqps:// URL in {_SETTING}")
