"""What stands around the code, held to what the code and the documents say of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasks.contract.limits import DEFAULT_TIMEOUT
from worker.programs import Command
from worker.supervise import Supervisor

ROOT = Path(__file__).parents[3]


def _read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load(_read("docker-compose.yml"))


SERVICES = ["redis", "worker", "flower", "web", "hooks", "mailpit"]


@pytest.mark.parametrize("name", ["Procfile", "Procfile.dev"])
def test_every_process_is_supervised_and_replaces_its_shell(name: str) -> None:
    """Without exec a signal ends at the shell; without supervision one death ends them all."""
    lines = _read(name).splitlines()

    assert lines
    assert all(
        re.match(r"\w+: (\w+=\S+ )?exec python -m worker\.supervise --grace 4 ", line) for line in lines
    )


@pytest.mark.parametrize("name", ["Procfile", "Procfile.dev"])
def test_only_the_worker_is_several_processes_where_the_environment_asks_for_them(name: str) -> None:
    """Two Flowers would fight for one port."""
    single = {line.split(":")[0]: " --processes 1 " in line for line in _read(name).splitlines()}

    assert single.pop("worker") is False
    assert all(single.values())


def test_development_runs_what_production_runs() -> None:
    assert set(_read("Procfile").splitlines()) <= set(_read("Procfile.dev").splitlines())


def test_workers_check_what_they_rely_on_unless_this_is_development(
    compose: dict[str, Any],
) -> None:
    worker = next(line for line in _read("Procfile").splitlines() if line.startswith("worker:"))
    environment = compose["services"]["worker"]["environment"]

    assert " POSTROOM_MODE=${POSTROOM_MODE:-production} exec " in worker
    assert environment == environment | {"POSTROOM_MODE": "${POSTROOM_MODE:-production}"}
    assert "Environment=POSTROOM_MODE=production" in _read("deploy/systemd/postroom-worker.service")
    assert "POSTROOM_MODE=development" in _read("deploy/development.env").splitlines()


def test_the_inbox_shows_what_developments_catcher_keeps() -> None:
    [catcher] = [line for line in _read("Procfile.dev").splitlines() if line.startswith("mail:")]
    folder = catcher.rpartition(" ")[2]

    assert f"POSTROOM_WEB_INBOX={folder}" in _read("deploy/development.env").splitlines()


def test_every_target_of_make_says_what_it_is_for() -> None:
    makefile = _read("Makefile").replace("\\\n", "")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)

    assert phony
    assert set(phony[1].split()) == set(re.findall(r"^([a-z-]+):.*## \w", makefile, re.MULTILINE))


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str, compose: dict[str, dict[str, dict[str, object]]]) -> None:
    service = compose["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service


def test_every_published_port_is_on_loopback(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}

    assert ports == {
        "redis": [],
        "worker": [],
        "flower": ["127.0.0.1:5555:5555"],
        "web": ["127.0.0.1:8080:8080"],
        "hooks": [],
        "mailpit": ["127.0.0.1:8025:8025"],
    }


def test_whoever_supervises_a_worker_starts_it_again_and_lets_it_finish(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    """Exit code 1 is what the watchdog ends with, 2 what says that starting again does not help."""
    unit = dict(re.findall(r"^(\w+)=(.*)$", _read("deploy/systemd/postroom-worker.service"), re.MULTILINE))
    worker = compose["services"]["worker"]
    least = DEFAULT_TIMEOUT / 1000 + 5

    assert (unit["Restart"], unit["RestartPreventExitStatus"], unit["KillMode"]) == ("always", "2", "mixed")
    assert unit.get("KillSignal", "SIGTERM") == "SIGTERM"
    assert worker["restart"] == "unless-stopped"
    assert float(unit["TimeoutStopSec"]) >= least
    assert float(str(worker["stop_grace_period"]).removesuffix("s")) >= least
    assert Supervisor(Command(["true"])).grace >= least


def test_no_password_stands_in_a_committed_file() -> None:
    for name in ("docker-compose.yml", "deploy/development.env", ".env.example"):
        found = re.findall(r"^ *#?\w*(?:PASSWORD|BASIC_AUTH)[=:] *(\S+)", _read(name), re.MULTILINE)

        assert [value for value in found if not value.startswith(('"${', '""'))] == [], name


def test_development_sets_only_what_the_example_explains() -> None:
    explained = set(re.findall(r"^#(\w+)=", _read(".env.example"), re.MULTILINE))
    used = set(re.findall(r"^(\w+)=", _read("deploy/development.env"), re.MULTILINE))

    assert used - explained == {"PYTHONUNBUFFERED"}


def test_the_example_sets_nothing_by_itself() -> None:
    assert re.findall(r"^[^#\n].*", _read(".env.example"), re.MULTILINE) == []


def test_the_image_is_built_from_the_product_alone() -> None:
    allowed = {line[1:] for line in _read(".dockerignore").splitlines() if line.startswith("!")}

    assert allowed == {"requirements/base.txt", "worker", "tasks", "producers"}
    assert "--require-hashes" in _read("Dockerfile")


@pytest.mark.parametrize("name", ["base", "dev", "generator", "django-6.0", "django-6.1"])
def test_the_locks_name_no_index(name: str) -> None:
    assert not re.search(r"^--|https?://|file://", _read(f"requirements/{name}.txt"), re.MULTILINE)
