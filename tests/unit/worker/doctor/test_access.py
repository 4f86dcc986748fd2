"""Who gets into a server, judged by how it treats strangers."""

from __future__ import annotations

from typing import Any

import pytest

from worker.doctor import access as module
from worker.doctor.access import access
from worker.doctor.facts import Facts
from worker.doctor.findings import Finding, Status
from worker.doctor.servers import Role, Server

GOOD: dict[str, Any] = {
    "info": {"redis_version": "7.0.15"},
    "config": {"bind": "127.0.0.1 -::1"},
    "is_open": False,
    "runs_scripts": True,
    "seconds_off": 0.2,
}
URL = "redis://postroom:canary@127.0.0.1:6379/0"


def found(url: str = URL, **facts: Any) -> dict[str, Finding]:
    server = Server("127.0.0.1:6379", tuple(Role), url)
    return {finding.check: finding for finding in access(server, Facts(**{**GOOD, **facts}))}


def test_a_server_on_this_machine_with_a_password_is_fine() -> None:
    assert {finding.status for finding in found().values()} == {Status.OK}


@pytest.mark.parametrize(
    ("facts", "check", "status", "named"),
    [
        pytest.param({"is_open": True}, "password", Status.ERROR, "requirepass", id="open"),
        pytest.param({"is_open": None}, "password", Status.UNKNOWN, "again", id="not tried"),
        pytest.param({"config": {"bind": "* -::*"}}, "bind", Status.WARNING, "bind 127.0.0.1", id="wide"),
        pytest.param({"config": {"bind": ""}}, "bind", Status.WARNING, "bind 127.0.0.1", id="bind empty"),
        pytest.param({"config": {}}, "bind", Status.UNKNOWN, "+config|get", id="bind hidden"),
        pytest.param({"info": {"redis_version": "5.0.14"}}, "version", Status.ERROR, "update", id="old"),
        pytest.param({"info": {}}, "version", Status.UNKNOWN, "+info", id="version hidden"),
        pytest.param({"runs_scripts": False}, "scripts", Status.ERROR, "+evalsha", id="no scripts"),
        pytest.param({"seconds_off": -7200.0}, "clock", Status.WARNING, "NTP", id="late"),
        pytest.param({"seconds_off": 5.1}, "clock", Status.WARNING, "NTP", id="early"),
        pytest.param({"seconds_off": None}, "clock", Status.UNKNOWN, "+time", id="clock hidden"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    facts: dict[str, Any], check: str, status: Status, named: str
) -> None:
    finding = found(**facts)[check]

    assert finding.status is status
    assert named in finding.remedy
    assert [f.check for f in found(**facts).values() if not f.is_fine] == [check]


def test_valkey_tells_its_own_version() -> None:
    info = {"redis_version": "7.2.4", "valkey_version": "9.1.2"}

    assert found(info=info)["version"].found == "Valkey 9.1.2"


@pytest.mark.parametrize(
    ("url", "address", "status"),
    [
        ("redis://:canary@redis.example/0", "198.41.0.4", Status.ERROR),
        ("rediss://:canary@redis.example/0", "198.41.0.4", Status.OK),
        ("redis://:canary@redis.example/0", "10.1.2.3", Status.OK),
        ("unix:///run/redis.sock", "", Status.OK),
    ],
    ids=["public", "encrypted", "private", "socket"],
)
def test_a_password_must_not_cross_a_public_network(
    url: str, address: str, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 0))])

    finding = found(url)["network"]

    assert finding.status is status
    assert "canary" not in repr(finding)
