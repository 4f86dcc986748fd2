"""Which runs there are: contenders take turns in each round, so that a busy machine slows all alike."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.harness import limits, scenarios
from benchmarks.harness.contenders import ALL, BULLMQ, CONNECTIONS, NAIVE, POSTROOM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.harness.contenders import Contender
    from benchmarks.harness.plans import Plan
    from benchmarks.harness.scenarios import Figures

#: Figures of all rounds by scenario and row.
Results: TypeAlias = "dict[str, dict[str, list[Figures]]]"

_RTTS = {"near": 0.02, "far": 0.1}
_LARGE = 100 * 1024


@dataclass(frozen=True)
class Run:
    """One row of a scenario, and what makes its figures."""

    scenario: str
    row: str
    measure: Callable[[], Figures]


def measure(plan: Plan, *, only: Sequence[str] = (), left_out: Sequence[Contender] = ()) -> Results:
    """Make all runs of *plan*, or those of the scenarios *only*, round by round."""
    results: Results = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.bin"
        file.write_bytes(os.urandom(_LARGE))
        contenders = [_warmed_less(contender, plan) for contender in ALL if contender not in left_out]
        for number in range(1, plan.rounds + 1):
            for run in _runs(plan, contenders, file):
                if not only or run.scenario in only:
                    sys.stderr.write(f"round {number}: {run.scenario}: {run.row}\n")
                    if figures := run.measure():
                        results[run.scenario][run.row].append(figures)
    return results


def _warmed_less(contender: Contender, plan: Plan) -> Contender:
    return replace(contender, warm=min(contender.warm, plan.warm))


def _runs(plan: Plan, contenders: Sequence[Contender], file: Path) -> Iterator[Run]:
    yield from _bulk(plan, contenders)
    for contender in contenders:
        if "one" in contender.ways:
            each = replace(contender, ways=("one",))
            yield Run("single", contender.name, lambda c=each: scenarios.bulk(c, plan.single))
    yield from _enqueueing(plan, contenders)
    for contender in contenders:
        yield Run("latency", contender.name, lambda c=contender: scenarios.latency(c, plan.seconds))
    leaders = [c for c in contenders if c.name in {POSTROOM.name, BULLMQ.name}]
    for scenario, rtt in _RTTS.items():
        count = plan.near if scenario == "near" else plan.far
        for equal in map(_with_equal_connections, leaders):
            yield Run(scenario, equal.name, lambda c=equal, n=count, r=rtt: scenarios.bulk(c, n, rtt=r))
    more = {"BENCH_FILE": str(file), "POSTROOM_ATTACHMENT_ROOTS": str(file.parent)}
    for contender in contenders:
        yield Run("100 KB", contender.name, lambda c=contender: scenarios.bulk(c, plan.large, more=more))
    for contender in leaders:
        for size in plan.growth:
            yield Run("growth", f"{contender.name}, {size}", lambda c=contender, n=size: scenarios.bulk(c, n))
    yield from _events(plan, leaders)


def _bulk(plan: Plan, contenders: Sequence[Contender]) -> Iterator[Run]:
    for contender in contenders:
        yield Run("bulk", contender.name, lambda c=contender: scenarios.bulk(c, plan.bulk))
    yield Run("bulk", "one pipelined Python process", lambda: limits.pipelined_python(plan.bulk))
    yield Run("bulk", "smtp-source, 10 sessions", lambda: limits.smtp_source(plan.bulk))


def _enqueueing(plan: Plan, contenders: Sequence[Contender]) -> Iterator[Run]:
    for contender in contenders:
        for way in contender.ways:
            if contender.name in {POSTROOM.name, BULLMQ.name, NAIVE.name}:
                count = plan.enqueue_many if way == "many" else plan.enqueue_one
                row = f"{contender.name}, {way}"
                yield Run("enqueue", row, lambda c=contender, w=way, n=count: scenarios.enqueueing(c, w, n))


def _with_equal_connections(contender: Contender) -> Contender:
    each = CONNECTIONS // (len(contender.workers) * contender.processes)
    environment = {
        "BENCH_CONNECTIONS": str(each),
        "POSTROOM_CONCURRENCY": str(each),
        "POSTROOM_CONNECTIONS": str(each),
    }
    return replace(contender, environment={**contender.environment, **environment})


def _events(plan: Plan, leaders: Sequence[Contender]) -> Iterator[Run]:
    for contender in leaders:
        if contender.name == POSTROOM.name:
            for row, switch in (("events on", "1"), ("events off", "0")):
                [(shell, option, line)] = contender.workers
                command = f"{line} -- worker.send_task_events={switch}"
                changed = replace(contender, workers=((shell, option, command),))
                is_on = switch == "1"
                yield Run("events", row, lambda c=changed, h=is_on: scenarios.bulk(c, plan.bulk, is_heard=h))
