"""Which Redis or Valkey servers a worker uses, and for what: one server may have several roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tasks.contract.places import is_redis, is_sentinel, scheme_of
from tasks.contract.sentinels import Sentinels

if TYPE_CHECKING:
    from worker.settings import Settings

_PORT: Final = 6379


class Role(StrEnum):
    """What a server keeps for Postroom."""

    QUEUE = "queue"
    JOURNAL = "journal"
    RESULTS = "results"


#: The setting that names the server of a role.
SETTINGS: Final = {
    Role.QUEUE: "POSTROOM_BROKER_URL",
    Role.JOURNAL: "POSTROOM_JOURNAL_URL",
    Role.RESULTS: "POSTROOM_RESULT_BACKEND",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server as the settings name it, which may be with a password: that is in *url* alone."""

    place: str
    roles: tuple[Role, ...]
    url: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.place} ({', '.join(self.roles)})"

    @property
    def keeps_mail(self) -> bool:
        """Whether a mail can be lost when this server forgets something."""
        return Role.JOURNAL in self.roles or Role.QUEUE in self.roles

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names or addresses that we connect to; none for a socket of this machine."""
        if self.is_replicated:
            return tuple(host for host, _ in Sentinels.parse(self.url).addresses)
        host = urlsplit(self.url).hostname
        return (host,) if host else ()

    @property
    def is_replicated(self) -> bool:
        """Whether sentinels stand before it."""
        return is_sentinel(self.url)

    @property
    def is_encrypted(self) -> bool:
        """Whether what goes to and fro is encrypted, or stays in this machine."""
        return scheme_of(self.url) in {"rediss", "unix"}

    @property
    def setting(self) -> str:
        """The first setting that names this server."""
        return SETTINGS[self.roles[0]]


def servers(settings: Settings) -> list[Server]:
    """Return the servers of queue, journal and results that are Redis, each once."""
    urls = {
        Role.QUEUE: settings.broker_url,
        Role.JOURNAL: settings.journal,
        Role.RESULTS: settings.results,
    }
    found: dict[str, Server] = {}
    for role, url in urls.items():
        if is_redis(url):
            place = _place(url)
            known = found.get(place)
            found[place] = Server(place, (*known.roles, role) if known else (role,), url)
    return list(found.values())


def _place(url: str) -> str:
    if is_sentinel(url):
        return str(Sentinels.parse(url))
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _PORT}" if parts.hostname else parts.path
