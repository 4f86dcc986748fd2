"""Fixtures that every suite may use."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis

from tests import sizes
from tests.scoreboard import Scoreboard, scoreboard_of
from worker.broker import LOOPBACK, BrokerUnavailable, command, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


#: What takes minutes; `make faults` runs it, `make test` does not.
_LONG = {"test_rabbitmq", "test_failover"}

#: A test of a row of the fault matrix is named for it: test_s7_….
_ROW = re.compile(r"test_([swtrcpqdf]\d+)_")

#: How often `make faults-full` runs each row that does not say so itself with `@pytest.mark.rounds(…)`.
_FULL_ROUNDS = 20


# What CI says of a change must not hang on the draw; on a developer's machine every run looks elsewhere.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark that selects the fault matrix."""
    config.addinivalue_line("markers", "long: takes minutes; `make faults` runs it, `make test` does not")
    config.addinivalue_line("markers", "faults: a row of the fault matrix; set by the test's name")
    config.addinivalue_line("markers", "rounds(times): how often make faults-full runs a row; 20 if unsaid")
    config.addinivalue_line("markers", "scores(measure): each run is one case of that measure")
    config.addinivalue_line("markers", "scored: notes something on the scoreboard; set by what does so")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each row of the fault matrix many times where the full numbers are asked for."""
    if sizes.share() is not None and _ROW.match(metafunc.function.__name__):
        asked = metafunc.definition.get_closest_marker("rounds")
        metafunc.fixturenames.append("fault_round")
        rounds = sizes.scaled(asked.args[0] if asked else _FULL_ROUNDS)
        metafunc.parametrize("fault_round", range(rounds))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the rows of the fault matrix, and whatever notes something on the scoreboard."""
    for item in items:
        if _ROW.match(item.name):
            item.add_marker(pytest.mark.faults)
        if item.path.parent.name == "queue_rows" or item.path.stem in _LONG:
            item.add_marker(pytest.mark.long)
        if "scoreboard" in getattr(item, "fixturenames", ()) or item.get_closest_marker("scores"):
            item.add_marker(pytest.mark.scored)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how each test ended that the scoreboard is about, and count those that are cases of a measure."""
    report = yield
    if item.get_closest_marker("scored") and (report.failed or (report.passed and report.when == "call")):
        board = scoreboard_of(_row(item))
        board.end(passed=report.passed)
        for mark in item.iter_markers("scores"):
            board.note(mark.args[0], int(report.failed))
    return report


def _row(item: pytest.Item) -> str:
    """Return the row that a test is named for, else the name of its file."""
    match = _ROW.match(item.name)
    return match[1].upper() if match else item.path.stem.removeprefix("test_").replace("_", " ")


@pytest.fixture
def scoreboard(request: pytest.FixtureRequest) -> Scoreboard:
    """Where this test notes what it measured."""
    return scoreboard_of(_row(request.node))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Valkey or Redis server, one for each pytest process."""
    port = _free_port()
    try:
        line = command(port, tmp_path_factory.mktemp("valkey"))
    except BrokerUnavailable as exc:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(exc))
    with subprocess.Popen(line, stdout=subprocess.DEVNULL) as server:  # noqa: S603 - the line is our own
        try:
            wait_until_ready(port)
            yield f"redis://{LOOPBACK}:{port}/0"
        finally:
            server.kill()


@pytest.fixture
def valkey_url(valkey: str) -> str:
    """The URL of a real server that holds nothing."""
    with redis.Redis.from_url(valkey) as client:
        client.flushall()
    return valkey
