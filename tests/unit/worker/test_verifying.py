"""Trying out accounts, and how the reports look."""

from __future__ import annotations

import io
import json
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from producers.cli.main import main
from tasks.contract.codes import Phase
from tasks.contract.security import Security
from tasks.failures import PermanentFailure, Reply
from tasks.smtp.login import Mechanism
from tasks.smtp.verification import Certificate, Verification
from worker.reports import as_json, as_table
from worker.settings import Settings
from worker.verifying import NoSuchAccount, Report, chosen, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPIRES = datetime.now(UTC) + timedelta(days=30, hours=1)
FACTS = Verification(
    host="smtp.example.org",
    port=587,
    address="192.0.2.25",
    security=Security.STARTTLS,
    extensions=("8BITMIME", "PIPELINING", "SIZE 36700160"),
    mechanism=Mechanism.PLAIN,
    size_limit=36_700_160,
    tls_version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    certificate=Certificate("ab" * 32, is_verified=True, names=("smtp.example.org",), expires=EXPIRES),
)
REFUSAL = PermanentFailure(
    Reply(535, "Authentication failed for desk@example.org", "5.7.8"), Phase.AUTH, hint="Check the password."
)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name in ("default", "second"):
        monkeypatch.setenv(f"POSTROOM_ACCOUNTS__{name}__HOST", "127.0.0.1")
        monkeypatch.setenv(f"POSTROOM_ACCOUNTS__{name}__PORT", str(port))
        monkeypatch.setenv(f"POSTROOM_ACCOUNTS__{name}__SECURITY", "none")
    monkeypatch.setenv("POSTROOM_ACCOUNTS__second__PORT", "1")
    return Settings()


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a mail server that serves one session and takes note of nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket) -> None:
    # Nobody may come, and who does leaves without waiting for the answer to QUIT.
    with suppress(OSError):
        connection, _ = server.accept()
        with connection, connection.makefile("rwb", buffering=0) as lines:
            lines.write(b"220 double\r\n")
            while line := lines.readline():
                lines.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 PIPELINING\r\n")


def _shown(report: Report) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(as_table(report))
    return console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above


def test_each_account_has_a_report_in_order(settings: Settings) -> None:
    reports = verify(settings, chosen(settings, ["second", "default"]), timeout=5)

    assert [(r.account.name, r.is_usable) for r in reports] == [("second", False), ("default", True)]


def test_all_accounts_are_tried_unless_some_are_named(settings: Settings) -> None:
    assert {account.name for account in chosen(settings, ())} == {"default", "second"}
    assert [account.name for account in chosen(settings, ["second", "second"])] == ["second"]


def test_an_account_that_is_not_configured_is_refused_with_those_that_are(settings: Settings) -> None:
    with pytest.raises(NoSuchAccount, match="'third'; configured: default, second"):
        chosen(settings, ["third"])
    with pytest.raises(NoSuchAccount, match="no account is configured"):
        chosen(settings.model_copy(update={"accounts": {}}), ())


def test_the_facts_of_a_session_are_shown(settings: Settings) -> None:
    shown = _shown(Report(settings.accounts["default"], FACTS))

    for fact in ("TLSv1.3", "smtp.example.org", "in 30 days", "PLAIN", "36,700,160", "│ yes", "│ verified"):
        assert fact in shown


def test_a_failure_is_shown_with_its_code_text_and_hint_and_no_address(settings: Settings) -> None:
    report = Report(settings.accounts["default"], REFUSAL)

    assert as_json(report)["error"] == {
        "code": 535,
        "message": "5.7.8 Authentication failed for d***@example.org",
        "phase": "auth",
        "hint": "Check the password.",
    }
    assert "535 (the server's)" in _shown(report)
    assert "Check the password." in _shown(report)


def test_the_json_of_a_session_is_json(settings: Settings) -> None:
    document = json.loads(json.dumps(as_json(Report(settings.accounts["default"], FACTS))))

    assert document["certificate"]["expires"] == EXPIRES.isoformat()
    assert (document["ok"], document["mechanism"], document["pipelining"]) == (True, "PLAIN", True)


@pytest.mark.parametrize(("names", "code"), [(["default"], 0), (["second"], 1), (["third"], 2)], ids=str)
def test_the_command_says_by_its_exit_code_whether_all_are_usable(
    names: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *names, "--json"]) == code
    assert json.loads(capsys.readouterr().out)


def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTROOM_ACCOUNTS__default__PORT", "canary")

    assert main(["verify", "--json"]) == 2
    assert "POSTROOM_ACCOUNTS__DEFAULT__PORT" in json.loads(capsys.readouterr().out)["error"]["message"]
