"""The command line as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from producers.cli.exit_codes import ExitCode
from producers.cli.main import application
from tasks.contract.schema import result_schema, send_email_schema

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "cli.md"
COMMANDS = {
    "web",
    "key",
    "integration",
    "hooks",
    "send",
    "send-many",
    "status",
    "wait",
    "tail",
    "completion",
    "cancel",
    "resend",
    "reset",
    "reset-passwords",
    "template",
    "quarantine",
    "schema",
    "demo",
    "sealing-key",
    "verify",
    "doctor",
    "broker",
}
#: They run until they are stopped.
SERVERS = {"broker", "web", "hooks run"}


def _commands() -> dict[str, Any]:
    return get_command(application()).commands  # type: ignore[attr-defined]  # typer's group has them


def test_the_commands_of_both_packages_stand_in_one_list(postroom: Any) -> None:
    code, page, _ = postroom("--help")

    assert code == 0
    assert set(_commands()) == COMMANDS
    assert all(re.search(rf"^│ {name} ", page, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS - SERVERS))
def test_every_command_speaks_json_and_tells_where_errors_come_from(name: str) -> None:
    command = _commands()[name]

    for leaf_name, leaf in getattr(command, "commands", {name: command}).items():
        flags = {flag for parameter in leaf.params for flag in parameter.opts}
        assert {"--json", "--debug"} <= flags or f"{name} {leaf_name}" in SERVERS


def test_the_page_in_the_reference_names_every_command_option_and_exit_code() -> None:
    page = PAGE.read_text()
    sections = dict(re.findall(r"^## `postroom ([\w-]+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    everywhere = {"--json", "--debug", "--broker", "--journal", "--url", "--key-file"}

    assert set(sections) == COMMANDS
    for name, command in _commands().items():
        leaves = getattr(command, "commands", {name: command}).values()
        options = {
            o for leaf in leaves for p in leaf.params for o in p.opts if o.startswith("--")
        } - everywhere
        assert options <= set(re.findall(r"--[a-z-]+", sections[name])), name
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == set(ExitCode)


def test_the_version_is_the_distributions(postroom: Any) -> None:
    assert postroom("--version") == (0, f"{version('postroom')}\n", "")


@pytest.mark.parametrize(
    "arguments", [["nocommand"], ["status"], ["schema", "other"], ["wait", "a", "--timeout", "x"]]
)
def test_wrong_usage_is_code_2_and_json_where_wanted(arguments: list[str], postroom: Any) -> None:
    code, document, errors = postroom(*arguments, "--json")

    assert (code, document["error"]["code"], errors) == (2, "usage", "")
    assert postroom(*arguments)[0] == 2


def test_the_schemas_are_the_contracts(postroom: Any) -> None:
    assert postroom("schema", "--json")[1] == send_email_schema()
    assert postroom("schema", "result", "--json")[1] == result_schema()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def application() -> typer.Typer:
        app = typer.Typer()

        @app.command()
        def fail(*, debug: bool = False, json: bool = False) -> None:  # noqa: ARG001 - as every command
            raise ZeroDivisionError("canary")

        return app

    monkeypatch.setattr("producers.cli.main.application", application)
    monkeypatch.delenv("POSTROOM_DEBUG", raising=False)


@pytest.mark.usefixtures("broken")
def test_an_error_of_this_program_is_one_sentence(postroom: Any) -> None:
    code, _, errors = postroom()

    assert code == 70
    assert errors.count("\n") == 1
    assert "ZeroDivisionError" in errors
    assert "--debug" in errors
    assert "canary" not in errors


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("switch", ["--debug", "POSTROOM_DEBUG"])
def test_the_traceback_is_there_for_those_who_ask(
    switch: str, postroom: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if switch == "POSTROOM_DEBUG":
        monkeypatch.setenv(switch, "1")
    code, document, errors = postroom("--json", *([switch] if switch == "--debug" else []))

    assert (code, document["error"]["code"]) == (70, "internal")
    assert "Traceback" in errors


def test_a_page_of_help_loads_nothing_heavy() -> None:
    """What takes long to import is imported when a command runs."""
    program = (
        "import sys; from producers.cli.main import main; main(['send', '--help']);"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    loaded = set(done.stderr.split())

    assert "--idempotency-key" in done.stdout
    assert loaded.isdisjoint({"celery", "kombu", "redis", "pydantic_settings", "email_validator", "smtplib"})
