"""The published page says what the settings say."""

from __future__ import annotations

from pathlib import Path

from producers.password_reset.limit_settings import LimitSettings
from producers.web.settings import WebSettings
from producers.web.settings_reference import page

PUBLISHED = Path(__file__).parents[4] / "docs" / "reference" / "gateway.md"


def test_the_published_page_is_up_to_date() -> None:
    """If this fails: make schema."""
    assert PUBLISHED.read_text(encoding="utf-8") == page()


def test_every_setting_says_what_it_is_for() -> None:
    fields = [*WebSettings.model_fields.values(), *LimitSettings.model_fields.values()]

    assert all(field.description for field in fields)
