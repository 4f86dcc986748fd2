"""Which servers there are behind three URLs."""

from __future__ import annotations

import pytest

from worker.doctor.servers import Role, servers
from worker.settings import Settings


def of(broker: str, journal: str = "", results: str = "") -> list[tuple[str, tuple[Role, ...]]]:
    settings = Settings(broker_url=broker, journal_url=journal, result_backend=results)
    return [(server.place, server.roles) for server in servers(settings)]


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        pytest.param(
            ("redis://:canary@a/0",), [("a:6379", (Role.QUEUE, Role.JOURNAL, Role.RESULTS))], id="one"
        ),
        pytest.param(
            ("redis://a/0", "redis://a:6379/1", "redis://b/0"),
            [("a:6379", (Role.QUEUE, Role.JOURNAL)), ("b:6379", (Role.RESULTS,))],
            id="databases of one server",
        ),
        pytest.param(
            ("sentinel://a;sentinel://b/0?master_name=m", "", "redis://b/0"),
            [("a:26379, b:26379 (m)", (Role.QUEUE, Role.JOURNAL)), ("b:6379", (Role.RESULTS,))],
            id="sentinels",
        ),
        pytest.param(
            ("amqp://guest:canary@rabbit//", "unix:///run/redis.sock", "redis://b/0"),
            [("/run/redis.sock", (Role.JOURNAL,)), ("b:6379", (Role.RESULTS,))],
            id="a queue that is no Redis",
        ),
    ],
)
def test_each_server_is_examined_once(
    urls: tuple[str, ...], expected: list[tuple[str, tuple[Role, ...]]]
) -> None:
    assert of(*urls) == expected


def test_a_server_does_not_show_its_password() -> None:
    [server] = servers(Settings(broker_url="redis://:canary@a/0"))

    assert "canary" not in f"{server} {server!r}"
    assert str(server) == "a:6379 (queue, journal, results)"
