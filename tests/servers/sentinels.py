"""A master, two replicas and three sentinels of a test's own."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

import redis

from tests.servers.redis_server import RedisServer, free_port
from worker.broker import LOOPBACK, server, wait_until_ready

if TYPE_CHECKING:
    from pathlib import Path

MASTER_NAME: Final = "post"
#: Milliseconds after which a master that does not answer counts as down.
DOWN_AFTER: Final = 1500
#: What docs/howto/sentinel.md recommends: a master that is alone takes no writes.
_CAUTIOUS: Final = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")
_LONGEST_ELECTION: Final = 30.0


class ReplicatedRedis:
    """Three servers, one of them the master, and three sentinels, of which two must agree on a new one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exit = ExitStack()
        self.servers = [RedisServer(folder / f"server.{number}", *_CAUTIOUS) for number in range(3)]
        self.sentinel_ports: list[int] = []

    @property
    def url(self) -> str:
        """What a producer or a worker is told."""
        parts = ";".join(f"sentinel://{LOOPBACK}:{port}" for port in self.sentinel_ports)
        return f"{parts}/0?master_name={MASTER_NAME}"

    def master(self) -> RedisServer:
        """Return the server that most sentinels call the master."""
        named = [self._named_by(port) for port in self.sentinel_ports]
        port = max(set(named), key=named.count)
        return next(server for server in self.servers if server.port == port)

    def fail_over(self) -> None:
        """Have the sentinels make one of the replicas the master, and the living master a replica."""
        with redis.Redis(port=self.sentinel_ports[0]) as client:
            client.sentinel_failover(MASTER_NAME)

    def await_another_master(self, than: RedisServer) -> float:
        """Return the moment at which a server other than *than* took its place."""
        last_moment = time.monotonic() + _LONGEST_ELECTION
        while True:
            new = self.master()
            if new is not than and self._role(new) == "master":
                return time.monotonic()
            assert time.monotonic() < last_moment, "the sentinels agreed on no new master"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        with self._exit:
            for member in self.servers:
                self._exit.enter_context(member)
            for replica in self.servers[1:]:
                with replica.client() as client:
                    client.replicaof(LOOPBACK, self.servers[0].port)
            for number in range(3):
                self._start_sentinel(number)
            self._await_agreement()
            self._exit = self._exit.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start_sentinel(self, number: int) -> None:
        port = free_port()
        file = self._folder / f"sentinel.{number}.conf"
        file.write_text(
            f"port {port}\nbind {LOOPBACK}\ndir {self._folder}\nprotected-mode no\n"
            f"sentinel monitor {MASTER_NAME} {LOOPBACK} {self.servers[0].port} 2\n"
            f"sentinel down-after-milliseconds {MASTER_NAME} {DOWN_AFTER}\n"
            f"sentinel failover-timeout {MASTER_NAME} 10000\n"
        )
        with (self._folder / f"sentinel.{number}.log").open("wb") as log:
            line = [server(), str(file), "--sentinel"]
            process = subprocess.Popen(line, stdout=log, stderr=log)  # noqa: S603 (our own line)
        self._exit.callback(process.wait)
        self._exit.callback(process.kill)
        self.sentinel_ports.append(port)
        wait_until_ready(port)

    def _await_agreement(self) -> None:
        """Return when the replicas follow, and every sentinel knows them and the other two."""
        last_moment = time.monotonic() + _LONGEST_ELECTION
        while not all(self._knows_everybody(port) for port in self.sentinel_ports):
            assert time.monotonic() < last_moment, "the sentinels did not find each other"
            time.sleep(0.1)

    def _knows_everybody(self, port: int) -> bool:
        with redis.Redis(port=port) as client:
            master = client.sentinel_master(MASTER_NAME)
            replicas = client.sentinel_slaves(MASTER_NAME)
        linked = [replica for replica in replicas if replica["master-link-status"] == "ok"]
        return (len(linked), master["num-other-sentinels"]) == (2, 2)

    def _named_by(self, port: int) -> int:
        with redis.Redis(port=port) as client:
            return int(client.sentinel_get_master_addr_by_name(MASTER_NAME)[1])

    def _role(self, member: RedisServer) -> str:
        try:
            with member.client(socket_timeout=1.0) as client:
                return str(client.info("replication")["role"])
        except redis.RedisError:
            return "away"
