"""The four mails of the demo, and what is expected to become of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.demo.names import NOBODY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIGURES = "month,letters\nJanuary,17\nFebruary,42\n"


@dataclass(frozen=True, slots=True)
class Case:
    """A mail called *name*, and the outcome that it should have."""

    name: str
    message: Mapping[str, object]
    success: bool = True
    code: int = 250

    def is_met_by(self, *, success: bool, code: int) -> bool:
        """Whether this is the expected outcome."""
        return (success, code) == (self.success, self.code)


def cases(attachments: Path) -> tuple[Case, ...]:
    """Return the mails; writes what they attach into *attachments*."""
    (attachments / "figures; 2030.csv").write_text(_FIGURES, encoding="utf-8")
    return _plain(), _html(), _latin1(), _refused()


def _plain() -> Case:
    return Case(
        "plain text",
        {
            "to": "ann@example.org",
            "subject": "Hello from the post room",
            "body": "This mail went through a queue, a worker and SMTP.\n.\nThe dot above is part of it.",
        },
    )


def _html() -> Case:
    return Case(
        "HTML + file",
        {
            "to": ["Ann <ann@example.org>", "bob@example.org"],
            "cc": "Carol <carol@example.org>",
            "bcc": "dave@example.org",
            "subject": "The figures \N{EN DASH} attached",
            "body": "<h1>Figures</h1><p>They are <b>attached</b>. Dave reads along, unseen.</p>",
            "email_format": "html",
            "attachments": '"figures; 2030.csv"',
        },
    )


def _latin1() -> Case:
    return Case(
        "ISO-8859-1",
        {
            "to": '"M\u00fcller; J\u00fcrgen" <juergen@example.org>; ann@example.org',
            "subject": "Gr\u00fc\u00dfe aus der Poststelle",
            "body": "Sch\u00f6ne Gr\u00fc\u00dfe!\n",
            "encoding": "iso-8859-1",
        },
    )


def _refused() -> Case:
    return Case(
        "refused",
        {
            "to": f"{NOBODY}@example.org",
            "subject": "To nobody",
            "body": "The server does not know whom this is for, and says so.",
        },
        success=False,
        code=550,
    )
