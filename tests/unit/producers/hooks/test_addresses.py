"""Which addresses are posted to, and how often a name is looked up."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from producers.hooks.addresses import Addresses, Forbidden, Unresolved

if TYPE_CHECKING:
    from collections.abc import Sequence


def of(host: str, found: Sequence[str], *allowed: str) -> list[str]:
    networks = [ipaddress.ip_network(text) for text in allowed]

    async def ask() -> list[str]:
        addresses = Addresses(networks, look=lambda _host, _port: list(found))
        try:
            return await addresses.of(host, 443)
        finally:
            addresses.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_posted_to(address: str) -> None:
    assert of("shop.example", [address]) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.0.1",
        "::1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "0.0.0.0",  # noqa: S104 (an address, not a binding)
        "::",
        "224.0.0.1",
        "ff0e::1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_addresses_of_private_networks_are_not(address: str) -> None:
    with pytest.raises(Forbidden):
        of("shop.example", [address])


def test_one_private_address_among_public_ones_forbids_all() -> None:
    with pytest.raises(Forbidden):
        of("shop.example", ["93.184.216.34", "10.0.0.1"])


def test_this_machine_is_reached_by_its_own_names_only() -> None:
    assert of("localhost", ["127.0.0.1", "::1"]) == ["127.0.0.1", "::1"]
    assert of("127.0.0.1", ["127.0.0.1"]) == ["127.0.0.1"]
    with pytest.raises(Forbidden):
        of("localhost", ["10.0.0.1"])
    with pytest.raises(Forbidden):
        of("localhost.shop.example", ["127.0.0.1"])


def test_the_operator_may_allow_networks() -> None:
    assert of("shop.example", ["10.1.2.3"], "10.1.0.0/16") == ["10.1.2.3"]
    with pytest.raises(Forbidden):
        of("shop.example", ["10.2.2.3"], "10.1.0.0/16")


@pytest.mark.parametrize("error", [socket.gaierror(-2, "canary"), UnicodeError("canary"), OSError("canary")])
def test_a_name_without_an_address_is_said_without_repeating_it(error: Exception) -> None:
    def look(_host: str, _port: int) -> list[str]:
        raise error

    async def ask() -> None:
        await Addresses(look=look).of("canary.example", 443)

    with pytest.raises(Unresolved) as raised:
        asyncio.run(ask())
    assert "canary" not in str(raised.value)


def test_a_silent_name_server_takes_one_thread_for_each_name() -> None:
    answers = threading.Event()
    looked: list[str] = []

    def look(host: str, _port: int) -> list[str]:
        looked.append(host)
        if host == "silent.example":
            answers.wait(10)
        return ["93.184.216.34"]

    async def ask() -> list[str]:
        addresses = Addresses(look=look)
        silent = [asyncio.create_task(addresses.of("silent.example", 443)) for _ in range(100)]
        quick = await asyncio.wait_for(addresses.of("quick.example", 443), 5)
        silent[0].cancel()
        answers.set()
        await asyncio.gather(*silent[1:])
        addresses.close()
        return quick

    assert asyncio.run(ask()) == ["93.184.216.34"]
    assert looked == ["silent.example", "quick.example"]
