"""From a host name to a connected socket, within the deadline."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import PermanentFailure, Reply, TransientFailure
from tasks.smtp.faults import os_reason
from tasks.smtp.racing import connect_to_any

if TYPE_CHECKING:
    from tasks.deadline import Deadline
    from tasks.patience import Patience
    from tasks.smtp.racing import Address
    from tasks.smtp.route import Route

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def dial(route: Route, deadline: Deadline, patience: Patience) -> socket.socket:
    """
    Connect to the first address of the route's host that answers.

    Raises:
        Failure: the name has no address, or not only public ones where it must, or none answers.

    """
    addresses = resolve(route, deadline, patience)
    try:
        return connect_to_any(addresses, deadline)
    except OSError as error:
        raise TransientFailure(
            Reply(LocalCode.CONNECT, _no_connection(route, error)), Phase.CONNECT
        ) from error


def resolve(route: Route, deadline: Deadline, patience: Patience) -> list[Address]:
    """
    Return the addresses of the route's host, in the system's order of preference.

    Raises:
        Failure: there is none in time, or one is not public where all must be.

    """
    try:
        found = patience.call((route.host, route.port), lambda: _look_up(route), deadline)
    except TimeoutError as error:
        raise _unresolved(route, "no answer in time") from error
    except UnicodeError as error:
        reply = Reply(LocalCode.DNS, f"{route.host!r} is no valid host name.")
        raise PermanentFailure(reply, Phase.CONNECT) from error
    except OSError as error:
        raise _unresolved(route, os_reason(error)) from error
    if route.public_only and not all(_is_public(str(address[1][0])) for address in found):
        reply = Reply(LocalCode.POLICY, f"The address of {route.host} is not a public one.")
        raise PermanentFailure(reply, Phase.CONNECT)
    return found


def is_loopback(connection: socket.socket) -> bool:
    """Whether *connection* leads to this very machine."""
    with suppress(ValueError, OSError, IndexError):
        address = ipaddress.ip_address(str(connection.getpeername()[0]).partition("%")[0])
        return _unmapped(address).is_loopback
    return False


def _look_up(route: Route) -> list[Address]:
    entries = socket.getaddrinfo(route.host, route.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, address) for family, _, _, _, address in entries))


def _is_public(text: str) -> bool:
    address = _unmapped(ipaddress.ip_address(text.partition("%")[0]))
    return address.is_global and not address.is_multicast


def _unmapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address that an IPv6 one stands for, if it stands for one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _unresolved(route: Route, reason: str) -> TransientFailure:
    reply = Reply(LocalCode.DNS, f"The host name {route.host} could not be resolved: {reason}.")
    return TransientFailure(reply, Phase.CONNECT)


def _no_connection(route: Route, error: OSError) -> str:
    reason = "no answer in time" if isinstance(error, TimeoutError) else os_reason(error)
    return f"No connection to {route.place}: {reason}."
