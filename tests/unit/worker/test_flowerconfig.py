from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from flower.options import default_options
from tornado.options import OptionParser

CONFIG = Path(__file__).parents[3] / "worker" / "flowerconfig.py"


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("POSTROOM_FLOWER_BASIC_AUTH", "FLOWER_ADDRESS", "FLOWER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "ada:correct-horse-battery")
    return "ada:correct-horse-battery"


def read_config() -> OptionParser:
    """Return Flower's options as they are once Flower has read the file; a copy, for Flower's are global."""
    parser = OptionParser()
    for name, option in default_options._options.items():  # noqa: SLF001 - tornado offers no other list
        if name not in parser:
            parser.define(option.name, default=option.default, type=option.type, multiple=option.multiple)
    parser.parse_config_file(str(CONFIG))
    return parser


@pytest.fixture
def options(login: str) -> OptionParser:
    assert login
    return read_config()


def test_flower_asks_for_the_login(options: OptionParser, login: str) -> None:
    assert options.basic_auth == [login]
    assert options.auth == ""


def test_flower_only_looks(options: OptionParser) -> None:
    assert options.read_only is True
    assert options.persistent is False


def test_flower_listens_on_loopback_unless_told_otherwise(options: OptionParser) -> None:
    assert (options.address, options.port) == ("127.0.0.1", 5555)


@pytest.mark.usefixtures("login")
def test_flower_listens_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWER_ADDRESS", "0.0.0.0")  # noqa: S104 - inside a container
    monkeypatch.setenv("FLOWER_PORT", "7777")
    options = read_config()

    assert (options.address, options.port) == ("0.0.0.0", 7777)  # noqa: S104 - as above


def test_the_list_of_tasks_has_no_column_that_shows_a_mail(options: OptionParser) -> None:
    assert not {"args", "kwargs", "result"} & set(options.tasks_columns.split(","))


def test_a_task_is_shown_without_its_arguments(options: OptionParser) -> None:
    task = options.format_task(SimpleNamespace(name="send_email", args="a secret", kwargs="a body"))

    assert task == SimpleNamespace(name="send_email", args="(hidden)", kwargs="(hidden)")


def test_a_login_that_protects_nothing_stops_flower_with_a_message() -> None:
    done = subprocess.run(  # noqa: S603 - our own file
        [sys.executable, str(CONFIG)],
        env={"FLOWER_BASIC_AUTH": "admin:admin", "PYTHONPATH": str(CONFIG.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("postroom flower: ")
    assert "Traceback" not in done.stderr
