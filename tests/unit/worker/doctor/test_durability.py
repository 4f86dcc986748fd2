"""Whether a server keeps mail, judged by what it says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from worker.doctor.durability import durability
from worker.doctor.facts import Facts
from worker.doctor.findings import Finding, Status
from worker.doctor.servers import Role, Server

GOOD = {
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory_policy": "noeviction",
    "maxmemory": 400_000_000,
    "role": "master",
}


def found(*roles: Role, fsync: str | None = "everysec", **info: Any) -> dict[str, Finding]:
    facts = Facts(info={**GOOD, **info}, config={} if fsync is None else {"appendfsync": fsync})
    server = Server("redis.example:6379", roles or tuple(Role), "redis://redis.example:6379/0")
    return {finding.check: finding for finding in durability(server, facts)}


def test_a_server_that_keeps_everything_has_nothing_to_mend() -> None:
    findings = found().values()

    assert {finding.status for finding in findings} == {Status.OK}
    assert {finding.remedy for finding in findings} == {""}


@pytest.mark.parametrize(
    ("info", "check", "status", "named"),
    [
        pytest.param({"aof_enabled": 0}, "appendonly", Status.ERROR, "SET appendonly yes", id="no aof"),
        pytest.param(
            {"maxmemory_policy": "allkeys-lru"},
            "maxmemory-policy",
            Status.ERROR,
            "CONFIG SET maxmemory-policy noeviction",
            id="eviction",
        ),
        pytest.param({"maxmemory": 0}, "maxmemory", Status.WARNING, "CONFIG SET maxmemory", id="no limit"),
        pytest.param({"aof_last_write_status": "err"}, "aof-write", Status.WARNING, "disk", id="disk full"),
        pytest.param({"role": "slave"}, "replication", Status.ERROR, "POSTROOM_BROKER_URL", id="replica"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    info: dict[str, Any], check: str, status: Status, named: str
) -> None:
    finding = found(**info)[check]

    assert finding.status is status
    assert named in finding.remedy
    assert [f.check for f in found(**info).values() if not f.is_fine] == [check]


def test_a_file_that_is_never_synced_is_a_warning() -> None:
    assert found(fsync="no")["appendfsync"].status is Status.WARNING


@pytest.mark.parametrize(
    ("role", "appendonly", "eviction"),
    [
        (Role.QUEUE, Status.WARNING, Status.ERROR),
        (Role.JOURNAL, Status.ERROR, Status.ERROR),
        (Role.RESULTS, Status.WARNING, Status.WARNING),
    ],
)
def test_how_grave_it_is_depends_on_what_the_server_keeps(
    role: Role, appendonly: Status, eviction: Status
) -> None:
    findings = found(role, aof_enabled=0, maxmemory_policy="allkeys-lru")

    assert findings["appendonly"].status is appendonly
    assert findings["maxmemory-policy"].status is eviction


def test_what_the_server_hides_is_unknown_and_never_fine() -> None:
    server = Server("redis.example:6379", tuple(Role), "redis://redis.example:6379/0")

    findings = list(durability(server, Facts()))

    assert {finding.status for finding in findings} == {Status.UNKNOWN}
    assert all("ACL SETUSER <user> +info" in finding.remedy for finding in findings)
    assert found(fsync=None)["appendfsync"].status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("least", "status"), [("1", Status.OK), ("0", Status.WARNING), (None, Status.UNKNOWN)]
)
def test_a_master_behind_sentinels_should_take_no_writes_alone(least: str | None, status: Status) -> None:
    config = {} if least is None else {"min-replicas-to-write": least}
    server = Server("a:26379 (m)", tuple(Role), "sentinel://a/0?master_name=m")

    findings = {finding.check: finding for finding in durability(server, Facts(info=GOOD, config=config))}

    assert findings["min-replicas-to-write"].status is status
    assert "min-replicas-to-write" not in found()
