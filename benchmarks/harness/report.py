"""Medians with their spread, and ratios, as tables in Markdown."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.harness.contenders import BULLMQ, NAIVE, POSTROOM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.harness.scenarios import Figures
    from benchmarks.harness.series import Results

#: Each scenario, and what its table is called.
TITLES: Final = {
    "bulk": "Many mails of 1 KB: from the first call to the last readable result",
    "single": "One call for each mail from one process: from the first call to the last readable result",
    "enqueue": "Enqueueing alone, workers stopped",
    "latency": "Fifty mails a second: from the call to the readable result",
    "near": "A server 20 ms away, equal numbers of connections",
    "far": "A server 100 ms away, equal numbers of connections",
    "100 KB": "The same file of 100 KB with every mail",
    "growth": "Growth with the number of mails",
    "events": "Events for Flower",
}
#: The rows that others are compared with.
_BASES: Final = {
    "bulk": POSTROOM.name,
    "single": BULLMQ.name,
    "enqueue": f"{NAIVE.name}, one",
    "latency": POSTROOM.name,
    "near": BULLMQ.name,
    "far": BULLMQ.name,
    "100 KB": POSTROOM.name,
    "events": "events on",
}


def report(results: Results) -> str:
    """Return a section for each scenario that was measured."""
    return "\n".join(line for scenario in results for line in _section(scenario, results[scenario]))


def medians(rounds: list[Figures]) -> Figures:
    """Return the median of each figure over the rounds."""
    return {name: median(figures[name] for figures in rounds) for name in rounds[0]}


def _section(scenario: str, rows: Mapping[str, list[Figures]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for rounds in rows.values() for name in rounds[0]))
    base = _BASES.get(scenario)
    base = base if base in rows else next(iter(rows))
    yield f"### {TITLES[scenario]}\n"
    yield f"| | {' | '.join(names)} | {names[0]}, against {base} |"
    yield "|---" * (len(names) + 2) + "|"
    reference = medians(rows[base])[names[0]]
    for row, rounds in rows.items():
        cells = [_cell([figures[name] for figures in rounds]) if name in rounds[0] else "" for name in names]
        ratio = medians(rounds)[names[0]] / reference
        yield f"| {row} | {' | '.join(cells)} | {ratio:.2f} |"
    yield ""


def _cell(values: list[float]) -> str:
    middle = median(values)
    if len(values) == 1:
        return _number(middle)
    return f"{_number(middle)} ({_number(min(values))} to {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004
