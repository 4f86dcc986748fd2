"""Measure Postroom side by side with its peers: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Final

from benchmarks.harness.contenders import BULLMQ, POSTROOM
from benchmarks.harness.failed import BenchmarkFailed
from benchmarks.harness.plans import FULL, SMALL, TINY
from benchmarks.harness.plot import bars
from benchmarks.harness.report import TITLES, medians, report
from benchmarks.harness.scratch import ROOT, SCRATCH, prepare
from benchmarks.harness.series import Results, measure

_PAGE: Final = ROOT / "docs" / "performance.md"
_PLOT: Final = ROOT / "docs" / "performance.svg"
_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"
_PLANS: Final = {"small": SMALL, "full": FULL, "tiny": TINY}


def main() -> int:
    """Print the tables; 1 where a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=_PLANS, default="small", help="small takes a quarter of an hour")
    parser.add_argument("--rounds", type=_rounds, help="instead of the plan's")
    parser.add_argument("--only", action="append", default=[], choices=TITLES, help="repeatable")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {_PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.only and options.write:
        parser.error(f"--write replaces all tables of {_PAGE.name}: leave out --only")
    plan = _PLANS[options.size]
    if options.rounds:
        plan = type(plan)(**{**vars(plan), "rounds": options.rounds})
    try:
        notes = prepare()
        results = measure(plan, only=options.only, left_out=[BULLMQ] if notes else [])
    except BenchmarkFailed as failed:
        sys.stderr.write(f"benchmark failed: {failed}\n")
        return 1
    (SCRATCH / "results.json").write_text(json.dumps(results, indent=1))
    text = "\n".join([_machine(plan.rounds), "", *notes, report(results)])
    sys.stdout.write(text)
    if options.write:
        _write(text, results)
    return 0


def _rounds(text: str) -> int:
    """Read a number of rounds. Raises `ArgumentTypeError` where there would be none."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds: give 1 or more")
    return int(text)


def _machine(rounds: int) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} processors ({_processor()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f} at last; "
        f"medians of {rounds} rounds, with the lowest and the highest."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")


def _write(text: str, results: Results) -> None:
    page = _PAGE.read_text()
    before, _, rest = page.partition(_BEGIN)
    _PAGE.write_text(f"{before}{_BEGIN}\n\n{text}\n{_END}{rest.partition(_END)[2]}")
    if "bulk" in results:
        rates = {row: medians(rounds)["mails/s"] for row, rounds in results["bulk"].items()}
        _PLOT.write_text(bars("Mails a second, 1 KB each, result readable", rates, ours=POSTROOM.name))


if __name__ == "__main__":
    sys.exit(main())
