"""Who else gets into a Redis or Valkey server, and whether we get what we need."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Final

from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.doctor.facts import Facts
    from worker.doctor.servers import Server

#: The oldest server that has all that journal and queue call.
OLDEST: Final = (6, 2)

#: Seconds by which the clocks of worker and server may differ.
TOLERANCE: Final = 5.0

_EVERYWHERE: Final = {"*", "0.0.0.0", "::", "-::*"}  # noqa: S104 - what is looked for, not listened on


def access(server: Server, facts: Facts) -> Iterator[Finding]:
    """Yield what is to be said about passwords, network, version, scripts and clock of *server*."""
    yield _password(server, facts)
    yield _network(server)
    yield _bind(server, facts)
    yield _version(server, facts)
    yield _scripts(server, facts)
    yield _clock(server, facts)


def _password(server: Server, facts: Facts) -> Finding:
    if facts.is_open is None:
        found = "whether strangers are let in could not be tried"
        return Finding("password", str(server), Status.UNKNOWN, found, "run `postroom doctor` again")
    if not facts.is_open:
        return Finding("password", str(server), Status.OK, "nobody is let in without a password")
    found = "its default user needs no password: whoever reaches the port can read mail and send it"
    remedy = (
        "`requirepass <password>` in its redis.conf, or users by ACL and `ACL SETUSER default off`; then the "
        f"password in {server.setting}"
    )
    return Finding("password", str(server), Status.ERROR, found, remedy)


def _network(server: Server) -> Finding:
    if server.is_encrypted:
        return Finding("network", str(server), Status.OK, "encrypted, or on this machine")
    public = [address for host in server.hosts for address in addresses(host) if address.is_global]
    if not public:
        return Finding("network", str(server), Status.OK, "not encrypted, in a private network")
    found = f"password and mails cross a public network unencrypted, to {public[0]}"
    return Finding("network", str(server), Status.ERROR, found, f"a rediss:// URL in {server.setting}")


def addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses of a host, none where its name is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _bind(server: Server, facts: Facts) -> Finding:
    is_local = any(address.is_loopback for host in server.hosts for address in addresses(host))
    bound = facts.config.get("bind")
    if not is_local:
        return Finding("bind", str(server), Status.OK, "it serves other machines, this one among them")
    if bound is None:
        remedy = "let the user look: `ACL SETUSER <user> +config|get`"
        return Finding("bind", str(server), Status.UNKNOWN, "the server does not let us look", remedy)
    if not bound or _EVERYWHERE & set(bound.split()):
        found = "it listens on every address of this machine, and is used through loopback"
        return Finding("bind", str(server), Status.WARNING, found, "`bind 127.0.0.1 -::1` in its redis.conf")
    return Finding("bind", str(server), Status.OK, f"listens on {bound}")


def _version(server: Server, facts: Facts) -> Finding:
    version = facts.info.get("valkey_version") or facts.info.get("redis_version")
    if version is None:
        found = "the server does not tell its version"
        return Finding("version", str(server), Status.UNKNOWN, found, "`ACL SETUSER <user> +info`")
    name = "Valkey" if "valkey_version" in facts.info else "Redis"
    numbers = tuple(int(part) for part in re.findall(r"\d+", str(version))[:2])
    if numbers >= OLDEST:
        return Finding("version", str(server), Status.OK, f"{name} {version}")
    oldest = ".".join(map(str, OLDEST))
    found = f"{name} {version} is older than {oldest}, the oldest that is supported"
    return Finding("version", str(server), Status.ERROR, found, "update the server")


def _scripts(server: Server, facts: Facts) -> Finding:
    if facts.runs_scripts:
        return Finding("scripts", str(server), Status.OK, "may be run")
    found = "we may run no scripts, of which the journal consists"
    remedy = "`ACL SETUSER <user> +eval +evalsha +script|load`"
    return Finding("scripts", str(server), Status.ERROR, found, remedy)


def _clock(server: Server, facts: Facts) -> Finding:
    off = facts.seconds_off
    if off is None:
        remedy = "`ACL SETUSER <user> +time`"
        return Finding("clock", str(server), Status.UNKNOWN, "the server does not tell its time", remedy)
    if abs(off) <= TOLERANCE:
        return Finding("clock", str(server), Status.OK, f"differs from this machine's by {abs(off):.1f} s")
    found = (
        f"this machine's clock is {abs(off):,.0f} s {'ahead of' if off > 0 else 'behind'} the server's: "
        "certificates and log lines go by the wrong time, and Celery hands messages out twice"
    )
    return Finding("clock", str(server), Status.WARNING, found, "keep both clocks right by NTP")
