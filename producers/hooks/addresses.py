"""Which addresses may be posted to: public ones, and whatever networks the operator allows."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from producers.web.webhook import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
    Look: TypeAlias = Callable[[str, int], list[str]]

#: Threads that look names up; one whose name server is silent is taken for half a minute.
_THREADS: Final = 16
#: IPv6 addresses that lead to IPv4 ones (RFC 6052).
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


class Unresolved(OSError):
    """The name has no address, or nobody who knows answered."""


class Forbidden(Exception):
    """The name leads, with one of its addresses at least, to where nothing may be posted."""


class Addresses:
    """
    Finds the addresses of hosts, and refuses what could reach into a private network.

    A name is looked up once for each delivery, and the addresses that were checked are those that are
    connected to. This machine is reached only where the webhook names it. Who asks for a name that is being
    looked up joins in, so that a silent name server takes one thread for each name.
    """

    def __init__(self, allowed: Sequence[Network] = (), *, look: Look | None = None) -> None:
        self._allowed = allowed
        self._look = look or _look_up
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def of(self, host: str, port: int) -> list[str]:
        """
        Return the addresses of *host*, all of which may be connected to.

        Raises:
            Unresolved: it has none.
            Forbidden: one of them is none to connect to.
        """
        try:
            found = await asyncio.shield(self._ask(host, port))
        except (OSError, UnicodeError):
            raise Unresolved from None
        names_this_machine = is_loopback(host)
        if not all(self._may_reach(address, names_this_machine) for address in found):
            raise Forbidden
        return found

    def close(self) -> None:
        """Let go of the threads, without waiting for those that look a name up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str, port: int) -> asyncio.Future[list[str]]:
        name = (host, port)
        if name not in self._asked:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, self._look, host, port)
            self._asked[name] = asked
            asked.add_done_callback(lambda done: self._done(name, done))
        return self._asked[name]

    def _done(self, name: tuple[str, int], asked: asyncio.Future[list[str]]) -> None:
        del self._asked[name]
        if not asked.cancelled():
            # Retrieved, in case whoever asked has given up.
            asked.exception()

    def _may_reach(self, text: str, names_this_machine: bool) -> bool:  # noqa: FBT001 (a fact about the address)
        address = ipaddress.ip_address(text.partition("%")[0])
        if any(address in network for network in self._allowed):
            return True
        if address.is_loopback:
            return names_this_machine
        return all(each.is_global and not each.is_multicast for each in (address, *_inner(address)))


def _inner(address: Address) -> list[ipaddress.IPv4Address]:
    """Return the IPv4 addresses that *address* leads to by way of a gateway."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in inner if each is not None]


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
