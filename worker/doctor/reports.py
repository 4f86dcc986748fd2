"""How findings look: as JSON for programs, as a table for people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from worker.doctor.findings import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from worker.doctor.findings import Finding

_STYLES: Final = {
    Status.OK: "green",
    Status.UNKNOWN: "cyan",
    Status.WARNING: "yellow",
    Status.ERROR: "bold red",
}


def as_json(findings: Sequence[Finding], *, mode: str) -> dict[str, JsonValue]:
    """Return *findings* as one JSON document."""
    return {
        "mode": mode,
        "ok": not any(finding.is_error for finding in findings),
        "findings": [
            {
                "check": finding.check,
                "subject": finding.subject,
                "status": finding.status.value,
                "found": finding.found,
                "remedy": finding.remedy or None,
            }
            for finding in findings
        ],
    }


def as_table(findings: Sequence[Finding]) -> Table:
    """Return *findings* as a table, by subject, with the remedy below what is wrong."""
    table = Table(show_header=False)
    for column in ("status", "check"):
        table.add_column(column, no_wrap=True)
    table.add_column("found", overflow="fold")
    for subject, members in groupby(findings, key=lambda finding: finding.subject):
        group = list(members)
        if len(group) > 1:
            table.add_section()
            table.add_row("", "", Text(subject, style="bold"))
        for finding in group:
            status = Text(finding.status, style=_STYLES[finding.status])
            table.add_row(status, finding.check, _words(finding, is_alone=len(group) == 1))
    return table


def _words(finding: Finding, *, is_alone: bool) -> Text:
    words = Text(f"{finding.subject}: ", style="bold") if is_alone else Text()
    words.append(finding.found, style="not bold")
    if finding.remedy:
        words.append(f"\n→ {finding.remedy}", style="not bold italic")
    return words


def summary(findings: Sequence[Finding], *, mode: str) -> str:
    """Return in one line how many findings of each kind there are, and what follows."""
    counts = [f"{sum(f.status is status for f in findings)} {status}" for status in Status]
    verdict = "not fit for production" if any(f.is_error for f in findings) else "fit to run"
    return f"{', '.join(counts)}: {verdict} (POSTROOM_MODE={mode})"
