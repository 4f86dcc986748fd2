"""Whether a Redis or Valkey server keeps the mail that it was given (docs/howto/production.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from worker.doctor.findings import Finding, Status
from worker.doctor.servers import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.doctor.facts import Facts
    from worker.doctor.servers import Server

_ALLOW_INFO: Final = "let the user look: `ACL SETUSER <user> +info +config|get`"


def durability(server: Server, facts: Facts) -> Iterator[Finding]:
    """Yield what is to be said about memory, files and replication of *server*."""
    yield _appendonly(server, facts)
    if facts.info.get("aof_enabled"):
        yield _appendfsync(server, facts)
        yield _last_write(server, facts)
    yield _policy(server, facts)
    yield _maxmemory(server, facts)
    yield replication(server, facts)
    if server.is_replicated:
        yield _min_replicas(server, facts)


def _appendonly(server: Server, facts: Facts) -> Finding:
    enabled = facts.info.get("aof_enabled")
    if enabled is None:
        return _hidden("appendonly", server)
    if enabled:
        return Finding("appendonly", str(server), Status.OK, "writes are appended to a file")
    remedy = "`CONFIG SET appendonly yes`, and `appendonly yes` in its redis.conf"
    if Role.JOURNAL in server.roles:
        lost = "appendonly is off: a restart of the server forgets every mail that waits"
        return Finding("appendonly", str(server), Status.ERROR, lost, remedy)
    late = "appendonly is off: after a restart of the server mails are late, and results may be gone"
    return Finding("appendonly", str(server), Status.WARNING, late, remedy)


def _appendfsync(server: Server, facts: Facts) -> Finding:
    how = facts.config.get("appendfsync")
    if how is None:
        return _hidden("appendfsync", server)
    if how == "no":
        found = "appendfsync is no: a power failure loses what was accepted in the last half minute or so"
        remedy = "`CONFIG SET appendfsync everysec`, or `always` where not even a second may be lost"
        return Finding("appendfsync", str(server), Status.WARNING, found, remedy)
    return Finding("appendfsync", str(server), Status.OK, f"the file is synced: {how}")


def _last_write(server: Server, facts: Facts) -> Finding:
    if facts.info.get("aof_last_write_status", "ok") == "ok":
        return Finding("aof-write", str(server), Status.OK, "the last write went well")
    found = "the last write to the append-only file failed: the server takes no mail until one goes well"
    return Finding("aof-write", str(server), Status.WARNING, found, "make room on the server's disk")


def _policy(server: Server, facts: Facts) -> Finding:
    policy = facts.info.get("maxmemory_policy")
    if policy is None:
        return _hidden("maxmemory-policy", server)
    if policy == "noeviction":
        return Finding("maxmemory-policy", str(server), Status.OK, "full memory refuses new mail")
    found = f"maxmemory-policy is {policy}: full memory throws away what was accepted"
    remedy = "`CONFIG SET maxmemory-policy noeviction`, and the same in its redis.conf"
    status = Status.ERROR if server.keeps_mail else Status.WARNING
    return Finding("maxmemory-policy", str(server), status, found, remedy)


def _maxmemory(server: Server, facts: Facts) -> Finding:
    limit = facts.info.get("maxmemory")
    if limit is None:
        return _hidden("maxmemory", server)
    if limit:
        return Finding("maxmemory", str(server), Status.OK, f"at most {int(limit):,} bytes")
    found = "maxmemory is not set: a long queue may use up the machine's memory"
    remedy = "`CONFIG SET maxmemory 384mb`, for instance: half of the memory that the server may have"
    return Finding("maxmemory", str(server), Status.WARNING, found, remedy)


def replication(server: Server, facts: Facts) -> Finding:
    """Return whether *server* is a master, which takes writes."""
    role = facts.info.get("role")
    if role is None:
        return _hidden("replication", server)
    if role == "master":
        return Finding("replication", str(server), Status.OK, "takes writes")
    found = "it is a replica and takes no writes"
    return Finding("replication", str(server), Status.ERROR, found, f"name its master in {server.setting}")


def _min_replicas(server: Server, facts: Facts) -> Finding:
    least = facts.config.get("min-replicas-to-write")
    if least is None:
        return _hidden("min-replicas-to-write", server)
    if least != "0":
        return Finding("min-replicas-to-write", str(server), Status.OK, f"a write needs replicas: {least}")
    found = "min-replicas-to-write is 0: a master that is cut off takes mail that is then gone"
    remedy = "`CONFIG SET min-replicas-to-write 1`, and the same in the redis.conf of all of them"
    return Finding("min-replicas-to-write", str(server), Status.WARNING, found, remedy)


def _hidden(check: str, server: Server) -> Finding:
    return Finding(check, str(server), Status.UNKNOWN, "the server does not let us look", _ALLOW_INFO)
