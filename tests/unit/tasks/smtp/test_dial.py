from __future__ import annotations

import socket

import pytest

from tasks.contract.codes import LocalCode
from tasks.deadline import Deadline
from tasks.failures import PermanentFailure
from tasks.patience import Patience
from tasks.smtp.dial import resolve
from tests.unit.tasks.smtp.conftest import make_route


def answer(*addresses: str) -> object:
    family = {True: socket.AF_INET6, False: socket.AF_INET}
    return lambda *_, **__: [(family[":" in address], 1, 6, "", (address, 587)) for address in addresses]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_a_route_to_the_public_only_refuses_every_other_address(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer("93.184.215.14", address))

    with pytest.raises(PermanentFailure) as failed:
        resolve(make_route(public_only=True), Deadline.after(1), Patience())

    assert failed.value.reply.code == LocalCode.POLICY
    assert address not in str(failed.value)


def test_a_route_to_the_public_only_takes_public_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer("93.184.215.14", "2606:2800:21f::1"))

    found = resolve(make_route(public_only=True), Deadline.after(1), Patience())

    assert [address[0] for _, address in found] == ["93.184.215.14", "2606:2800:21f::1"]


def test_any_address_will_do_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answer("127.0.0.1", "127.0.0.1"))

    assert resolve(make_route(), Deadline.after(1), Patience()) == [(socket.AF_INET, ("127.0.0.1", 587))]


def test_a_host_that_is_no_name_fails_for_good() -> None:
    with pytest.raises(PermanentFailure) as failed:
        resolve(make_route(host="x" * 300 + ".example"), Deadline.after(1), Patience())

    assert failed.value.reply.code == LocalCode.DNS
