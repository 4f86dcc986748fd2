"""How often somebody may try to sign in."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING, Final

from producers.rest import Rest
from producers.web.reaching import reaching
from producers.web.scripts import script
from tasks.journal.scripts import Call, run_script

if TYPE_CHECKING:
    from redis import Redis
    from starlette.requests import Request

#: Attempts that a place has at once, and those that it gets anew each second.
BURST: Final = 10
_RATE: Final = 1 / 6

_TAKE: Final = script("take")
_BUCKET: Final = "postroom:web:signin:"
_FORWARDED: Final = "x-forwarded-for"
#: A household has so many bits of an IPv6 address, and may choose the others anew for each attempt.
_IPV6_PREFIX: Final = 64


class Attempts:
    """Counts attempts for each place, with all processes of the gateway together."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._rest = Rest()

    def take(self, place: str) -> float | None:
        """
        Count an attempt: None where it may go on, else the seconds until one may.

        Raises:
            QueueUnavailable: Redis cannot be reached; nobody gets in uncounted.
        """
        name = _BUCKET + hashlib.sha256(place.encode()).hexdigest()[:32]
        with reaching(self._rest):
            [answer] = run_script(self._redis, _TAKE, [Call((name,), (_RATE, BURST, 1))])
        return None if answer[3] else answer[2] / 1000


def place_of(request: Request) -> str:
    """
    Return where *request* comes from.

    From loopback it comes through a proxy, which has added the address that it saw to the end of the list;
    what stands before may be invented. Any other sender of such a list is not believed.
    """
    peer = request.client.host if request.client else ""
    if not is_loopback(peer):
        return _network(peer)
    forwarded = request.headers.getlist(_FORWARDED)
    return _network(forwarded[-1].rpartition(",")[2].strip()) if forwarded else peer


def is_loopback(host: str) -> bool:
    """Whether *host*, a name or an address, is this machine as it calls itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if found.version == 6:  # noqa: PLR2004 (what it is called)
        return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found)
