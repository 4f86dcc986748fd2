"""`.env.example` and the settings say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from producers.hooks.settings import HooksSettings
from producers.password_reset.limit_settings import PREFIX, LimitSettings
from producers.web.settings import WebSettings
from tasks.delivery.accounts import Account
from tasks.password_reset.settings import ResetSettings
from worker.settings import Settings
from worker.settings_sources import load

ROOT = Path(__file__).parents[3]
ACCOUNT = "POSTROOM_ACCOUNTS__default__"
#: Read before there are settings: where to look for them, how many processes read them, and where those run.
BEFORE = {"POSTROOM_CONFIG", "POSTROOM_SECRETS_FOLDER", "POSTROOM_PROCESSES", "POSTROOM_CPU_AFFINITY"}

GROUPS = {"accounts", "resets"}


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text()
    return dict(re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE))


def test_the_example_has_every_setting_and_no_other(example: dict[str, str]) -> None:
    settings = {f"POSTROOM_{name.upper()}" for name in Settings.model_fields if name not in GROUPS}
    # The mode and the log's level and form are the worker's, unless set otherwise.
    shared = {"mode", "log_level", "log_format"}
    web = {f"POSTROOM_WEB_{name.upper()}" for name in WebSettings.model_fields if name not in shared}
    hooks = {f"POSTROOM_HOOKS_{name.upper()}" for name in HooksSettings.model_fields if name not in shared}
    fields = {ACCOUNT + name.upper() for name in Account.model_fields if name != "name"}
    # Of a group of settings one member stands for all.
    names = {re.sub(r"(?<=__OAUTH)__\w+", "", name) for name in example if name.startswith("POSTROOM_")}

    resets = {f"POSTROOM_RESETS__{name.upper()}" for name in ResetSettings.model_fields}
    limits = {PREFIX + name.upper() for name in LimitSettings.model_fields}

    assert names == settings | web | hooks | fields | resets | limits | BEFORE


def test_the_example_can_be_used_as_it_stands(
    example: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in example:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in example.items()))
    settings = load(environment_file=file, configuration=tmp_path / "no.toml", secrets_folder=tmp_path)

    assert settings.accounts["default"].host == "smtp.example.com"


@pytest.mark.parametrize(
    "name", ["concurrency", "lease", "sweep_interval", "retention", "log_level", "log_format", "broker_url"]
)
def test_the_example_shows_the_defaults(name: str, example: dict[str, str]) -> None:
    default = Settings.model_fields[name].default

    assert type(default)(example[f"POSTROOM_{name.upper()}"]) == default
