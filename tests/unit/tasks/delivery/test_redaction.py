"""Server texts in results."""

from __future__ import annotations

import pytest

from tasks.delivery.redaction import LONGEST_TEXT, redact


@pytest.mark.parametrize(
    ("text", "body", "shown"),
    [
        ("<nobody@example.org>: no such user", "", "<n***@example.org>: no such user"),
        (
            "blocked https://app.example/r?token=x.",
            "see https://app.example/r?token=x",
            "blocked [link]",
        ),
        ("see https://help.example/550 for why", "hello", "see https://help.example/550 for why"),
        ("two\r\nlines\x00 and \u2028more", "", "two lines  and  more"),
    ],
    ids=["address", "link of the body", "link of the server", "control characters"],
)
def test_a_text_is_shown_without_what_it_echoes(text: str, body: str, shown: str) -> None:
    assert redact(text, body=body) == shown


def test_a_text_is_capped() -> None:
    assert len(redact("x" * 5000, body="")) == LONGEST_TEXT
