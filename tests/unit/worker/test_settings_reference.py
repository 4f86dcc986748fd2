"""The published reference and the settings say the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.delivery.accounts import Account
from tasks.delivery.oauth import OAuth
from tasks.password_reset.settings import ResetSettings
from worker import settings_reference
from worker.settings import Settings
from worker.settings_reference import about, kind, page
from worker.settings_words import ABOUT

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[3]
MODELS = (Settings, Account, OAuth, ResetSettings)
#: What stands in no table: groups have one of their own, and a name that is part of each variable's.
NOT_IN_A_TABLE = {"accounts", "resets", "name"}


def _fields(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields) - NOT_IN_A_TABLE


def test_the_published_reference_is_the_current_one() -> None:
    published = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")

    assert published == page(), "run `make schema`"


@pytest.mark.parametrize("model", MODELS)
def test_every_setting_says_what_it_is_for(model: type[BaseModel]) -> None:
    assert all(about(model, name) for name in _fields(model))


@pytest.mark.parametrize("model", MODELS)
def test_no_setting_is_described_twice_or_after_it_is_gone(model: type[BaseModel]) -> None:
    silent = {name for name in _fields(model) if model.model_fields[name].description is None}

    assert set(ABOUT.get(model, {})) == silent


def test_every_setting_has_a_row_of_its_own() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `POSTROOM_")]

    assert len(rows) == sum(len(_fields(model)) for model in MODELS)
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


def test_no_default_of_the_reference_is_a_secret() -> None:
    assert "SecretStr" not in page()
    assert "*****" not in page()


def test_a_type_without_a_word_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        kind(complex)


def test_it_writes_one_page(tmp_path: Path) -> None:
    file = settings_reference.write(tmp_path)

    assert file == tmp_path / "settings.md"
    assert file.read_text(encoding="utf-8") == page()
