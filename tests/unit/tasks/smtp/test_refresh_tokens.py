from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode
from tasks.deadline import Deadline
from tasks.failures import PermanentFailure, TransientFailure
from tasks.smtp.refresh_tokens import InMemory, TokenFile
from tasks.smtp.secret_sources import StaticSecret

if TYPE_CHECKING:
    from tasks.smtp.refresh_tokens import RefreshTokens

# Holds the lock of a file until its input ends, and says when it has it.
LOCKER = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "refresh_token"
    path.write_text("canary-first\n")
    path.chmod(0o600)
    return path


def soon() -> Deadline:
    return Deadline.after(60)


def newest(tokens: RefreshTokens) -> str:
    with tokens.held(soon()) as held:
        return held.newest.get_secret_value()


def renew(tokens: RefreshTokens, successor: str) -> None:
    with tokens.held(soon()) as held:
        held.replace(SecretStr(successor))


@pytest.mark.parametrize(
    "successor", ["canary-2", "canary-second-and-much-longer"], ids=["shorter", "longer"]
)
def test_a_successor_is_found_after_a_restart(file: Path, successor: str) -> None:
    renew(TokenFile(file), successor)

    assert newest(TokenFile(file)) == successor
    assert file.read_text() == f"{successor}\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_processes_that_share_a_file_see_each_others_successors(file: Path) -> None:
    mine, others = TokenFile(file), TokenFile(file)
    renew(mine, "canary-second")
    renew(others, "canary-third")

    assert newest(mine) == "canary-third"


def test_no_two_processes_use_a_token_at_the_same_time(file: Path) -> None:
    line = [sys.executable, "-c", LOCKER, str(file)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:  # noqa: S603  # our own
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(TransientFailure) as failed, TokenFile(file).held(Deadline.after(0.1)):
            pass
        other.stdin.close()

    assert failed.value.reply.code == LocalCode.TIME_OVER
    assert newest(TokenFile(file)) == "canary-first"


@pytest.mark.parametrize("why", ["may only be read", "cannot be written"])
def test_a_successor_that_cannot_be_stored_is_used_and_told_of_once(
    file: Path, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def open_to_read(path: Path, mode: str = "r", **details: Any) -> object:
        # Root, as whom a container may run the tests, can write to whatever may only be read.
        if "+" in mode:
            raise PermissionError(13, "Permission denied")
        return really_open(path, mode, **details)

    really_open = Path.open
    if why == "may only be read":
        monkeypatch.setattr(Path, "open", open_to_read)
    else:
        monkeypatch.setattr(os, "pwrite", refuse)
    tokens = TokenFile(file)
    with caplog.at_level(logging.WARNING):
        renew(tokens, "canary-second")
        renew(tokens, "canary-third")

    assert newest(tokens) == "canary-third"
    assert file.read_text() == "canary-first\n"
    assert [record.getMessage() for record in caplog.records] == [
        "refresh token was renewed and cannot be stored"
    ]


def test_what_was_given_is_at_hand_where_the_successor_is_refused(file: Path) -> None:
    tokens = InMemory(StaticSecret(SecretStr("canary-given")))
    renew(tokens, "canary-second")

    with tokens.held(soon()) as held:
        assert held.newest.get_secret_value() == "canary-second"
        assert held.given().get_secret_value() == "canary-given"
    assert newest(tokens) == "canary-given"
    assert "canary" not in f"{tokens!r}{TokenFile(file)!r}"


def test_a_file_that_is_not_there_is_a_failure_for_good(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure) as failed, TokenFile(tmp_path / "none").held(soon()):
        pass

    assert failed.value.reply.code == LocalCode.LOGIN_IMPOSSIBLE
