"""
What the fault matrix measured: noted by its rows, added up, and published.

A test that takes the fixture `scoreboard` notes what it saw before it judges it. Where POSTROOM_SCOREBOARD
names a folder, the notes are kept there, and `python -m tests.scoreboard FOLDER DOCUMENT` prints their table
and writes it into the document.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VARIABLE: Final = "POSTROOM_SCOREBOARD"
BEGIN: Final = "<!-- scoreboard: written by `make scoreboard` -->"
END: Final = "<!-- end of the scoreboard -->"
_HEAD: Final = ("| what | bar | seen | in | rows |", "|---|---|---|---|---|")


class Measure(StrEnum):
    """What the scoreboard shows; a count is noted with `of`, a time in seconds without."""

    LOST = "accepted mails lost"
    DUPLICATES = "mails sent twice"
    UNKNOWN = "mails whose outcome is unknown"
    OVERRUN = "result after the Timeout, hostile servers"
    ENQUEUE = "enqueueing while Redis is away"
    REDIS_RECOVERY = "sending again after Redis is back"
    WORKER_RECOVERY = "sending again after a worker was killed"
    CANARIES = "places with a secret in them"
    POISON = "worker exits through malformed messages"
    BAD_INPUTS = "bad inputs neither refused nor put right"
    REPLY_FUZZ = "random replies that broke the parser"
    STATE_MACHINE = "random histories that broke the journal's word"


@dataclass(frozen=True, slots=True)
class Bar:
    """At most *most* of a *statistic* (count, share, worst or p95) over so many of *unit*."""

    statistic: str
    most: float
    unit: str


BARS: Final = {
    Measure.LOST: Bar("count", 0, "mails"),
    Measure.DUPLICATES: Bar("count", 0, "mails"),
    Measure.UNKNOWN: Bar("share", 0.002, "mails"),
    Measure.OVERRUN: Bar("worst", 1.0, "sessions"),
    Measure.ENQUEUE: Bar("worst", 6.0, "calls"),
    Measure.REDIS_RECOVERY: Bar("p95", 15.0, "outages"),
    Measure.WORKER_RECOVERY: Bar("p95", 30.0, "kills"),
    Measure.CANARIES: Bar("count", 0, "searches"),
    Measure.POISON: Bar("count", 0, "messages"),
    Measure.BAD_INPUTS: Bar("count", 0, "inputs"),
    Measure.REPLY_FUZZ: Bar("count", 0, "replies"),
    Measure.STATE_MACHINE: Bar("count", 0, "histories"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """What one run of a row saw: *value* seconds, or *value* cases *of* so many."""

    measure: Measure
    row: str
    value: float
    of: int = 1


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """Where one test notes what it saw; without a folder its notes go nowhere."""

    row: str
    folder: Path | None = None

    def note(self, measure: Measure, value: float, *, of: int = 1) -> None:
        """Note *value* seconds, or *value* cases of that many; to be called before anything is asserted."""
        self._keep({"measure": measure, "row": self.row, "value": value, "of": of})

    def end(self, *, passed: bool) -> None:
        """Note that the test is over, so that a row that failed before it noted anything is not forgotten."""
        self._keep({"row": self.row, "passed": passed})

    def _keep(self, fact: dict[str, object]) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # Appended in one write, so that processes that run tests side by side do not mix their lines.
        with (self.folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact) + "\n")


def scoreboard_of(row: str) -> Scoreboard:
    """Return the scoreboard for the test of *row*, with the folder that the environment names."""
    folder = os.environ.get(VARIABLE)
    return Scoreboard(row, Path(folder) if folder else None)


def read(folder: Path) -> tuple[list[Note], dict[str, list[bool]]]:
    """Return all notes, and for each row how its runs ended."""
    notes, ends = [], defaultdict(list)
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            fact = json.loads(line)
            if "measure" in fact:
                notes.append(Note(Measure(fact["measure"]), fact["row"], fact["value"], fact["of"]))
            else:
                ends[fact["row"]].append(fact["passed"])
    return notes, dict(ends)


def table(notes: Sequence[Note], ends: dict[str, list[bool]]) -> str:
    """Return the table as Markdown, with the size of what was run."""
    by_measure = {measure: [note for note in notes if note.measure is measure] for measure in Measure}
    lines = [_line(measure, chosen) for measure, chosen in by_measure.items() if chosen]
    runs = sum(map(len, ends.values()))
    failed = sorted(row for row, passed in ends.items() if not all(passed))
    verdict = f"{', '.join(failed)} failed." if failed else "All passed."
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join([*_HEAD, *lines, "", f"{runs} runs of {len(ends)} rows on {machine}. {verdict}"])


def _line(measure: Measure, notes: Sequence[Note]) -> str:
    bar = BARS[measure]
    seen = _statistic(bar, notes)
    text, most = _shown(bar, seen), _shown(bar, bar.most)
    mark = "" if seen <= bar.most else " **over**"
    rows = ", ".join(sorted({note.row for note in notes}))
    size = sum(note.of for note in notes)
    least = most if bar.most == 0 else f"≤ {most}"
    return f"| {measure} | {least} | {text}{mark} | {size:,} {bar.unit} | {rows} |"


def _statistic(bar: Bar, notes: Sequence[Note]) -> float:
    values = sorted(note.value for note in notes)
    match bar.statistic:
        case "count":
            return sum(values)
        case "share":
            return sum(values) / sum(note.of for note in notes)
        case "worst":
            return max(0.0, values[-1])
        case _:
            return values[math.ceil(0.95 * len(values)) - 1]


def _shown(bar: Bar, value: float) -> str:
    match bar.statistic:
        case "count":
            return f"{value:,.0f}"
        case "share":
            return f"{value:.2%}".replace("%", " %")
        case statistic:
            return f"{round(value, 2):g} s {statistic}"


def written(document: str, block: str) -> str:
    """Return *document* with *block* between the scoreboard's marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{after}"


def main(arguments: Iterable[str]) -> int:
    """Print the table of a folder's notes, and write it into the documents that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.scoreboard", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("documents", type=Path, nargs="*", help="where the table is to stand")
    options = parser.parse_args(list(arguments))
    notes, ends = read(options.folder)
    if not notes:
        parser.error(f"{options.folder} holds no notes; run the rows with {VARIABLE}={options.folder}")
    block = table(notes, ends)
    sys.stdout.write(block + "\n")
    for document in options.documents:
        text = document.read_text(encoding="utf-8")
        if BEGIN not in text or END not in text:
            parser.error(f"{document} has no marks for the scoreboard")
        document.write_text(written(text, block), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
