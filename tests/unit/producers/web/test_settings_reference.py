"""The published page says what the settings say."""

from __future__ import annotations

from pathlib import Path

from producers.hooks import settings_reference as hooks
from producers.hooks.settings import HooksSettings
from producers.password_reset.limit_settings import LimitSettings
from producers.web.settings import WebSettings
from producers.web.settings_reference import page

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"


def test_the_published_page_is_up_to_date() -> None:
    """If this fails: make schema."""
    assert (REFERENCE / "gateway.md").read_text(encoding="utf-8") == page()
    assert (REFERENCE / "hooks.md").read_text(encoding="utf-8") == hooks.page()


def test_every_setting_says_what_it_is_for() -> None:
    models = (WebSettings, LimitSettings, HooksSettings)
    fields = [field for model in models for field in model.model_fields.values()]

    assert all(field.description for field in fields)
