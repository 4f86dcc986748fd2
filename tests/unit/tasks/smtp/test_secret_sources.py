from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tasks.contract.codes import LocalCode
from tasks.deadline import Deadline
from tasks.failures import Failure, PermanentFailure, TransientFailure
from tasks.smtp.login import Login, Mechanism
from tasks.smtp.oauth import CommandSecret
from tasks.smtp.secret_sources import FileSecret, StaticSecret
from tests.unit.tasks.smtp.conftest import make_route

if TYPE_CHECKING:
    from pathlib import Path


def soon() -> Deadline:
    """Return a deadline of its own for each use: one for the module would run out in a long session."""
    return Deadline.after(30)


def printing(code: str, **details: float) -> CommandSecret:
    return CommandSecret((sys.executable, "-c", code), **details)


def test_a_file_is_read_anew_for_each_login(tmp_path: Path) -> None:
    path = tmp_path / "password"
    source = FileSecret(path)
    path.write_text(" first word \nsecond line\n")

    first = source.secret(soon())
    path.write_text("new\r\n")

    assert first.get_secret_value() == " first word "
    assert source.secret(soon()).get_secret_value() == "new"


@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"\xff\xfe"], ids=["missing", "empty", "blank", "binary"]
)
def test_a_file_without_a_secret_fails_for_good(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(PermanentFailure) as failed:
        FileSecret(path).secret(soon())

    assert failed.value.reply.code == LocalCode.LOGIN_IMPOSSIBLE


def test_a_command_prints_the_secret_and_is_not_run_again_at_once() -> None:
    source = printing("import time; print('canary', time.time_ns())")

    first = source.secret(soon())

    assert first.get_secret_value().startswith("canary")
    assert source.secret(soon()) == first


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (printing("raise SystemExit('canary')"), TransientFailure),
        (printing("print()"), TransientFailure),
        (CommandSecret(("/no/such/command",)), PermanentFailure),
    ],
    ids=["fails", "prints nothing", "is not there"],
)
def test_a_command_that_gives_no_secret_is_a_failure(source: CommandSecret, kind: type[Failure]) -> None:
    with pytest.raises(kind) as failed:
        source.secret(soon())

    assert "canary" not in str(failed.value)


def test_a_command_that_hangs_is_ended_with_the_budget() -> None:
    with pytest.raises(TransientFailure) as failed:
        printing("import time; time.sleep(30)").secret(Deadline.after(0.2))

    assert failed.value.reply.code == LocalCode.TIME_OVER


def test_sources_are_keys_and_show_no_secret() -> None:
    source = StaticSecret(SecretStr("canary"))
    route = make_route(login=Login("ann", Mechanism.AUTO, source))

    same = make_route(login=Login("ann", Mechanism.AUTO, StaticSecret(SecretStr("canary"))))

    assert (hash(route), route) == (hash(same), same)
    assert route != make_route(login=Login("ann", Mechanism.AUTO, StaticSecret(SecretStr("other"))))
    assert "canary" not in f"{route!r}{route}{source!r}"
    assert "canary" not in repr(printing("canary"))
