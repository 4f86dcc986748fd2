"""What is measured: each function makes one run of one contender and returns its figures by name."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import contextmanager, nullcontext
from statistics import quantiles
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.harness.failed import BenchmarkFailed
from benchmarks.harness.run import stage, warmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.harness.contenders import Contender
    from benchmarks.harness.run import Stage

Figures: TypeAlias = "dict[str, float]"


def bulk(
    contender: Contender,
    count: int,
    *,
    rtt: float = 0.0,
    more: Mapping[str, str] | None = None,
    is_heard: bool = False,
) -> Figures:
    """
    Enqueue *count* mails in the contender's fastest way and wait for the last result.

    Where it *is_heard*, somebody listens to the events of its tasks, as a monitor does.

    Raises:
        BenchmarkFailed: the sink took another number of mails, or a result does not say that one was sent.
    """
    with stage(contender, rtt=rtt, more=more) as found, _listener(found) if is_heard else nullcontext():
        warmed(found, contender.ways[0], contender.warm)
        taken, before = found.sink.count(), found.usage()
        enqueued = found.enqueue(contender.ways[0], count)
        seconds = found.wait(enqueued.keys) - enqueued.began
        after = found.usage()
        _count(found, taken, count)
        found.check(enqueued.keys)
        return {
            "mails/s": count / seconds,
            "CPU s/1000": (after.processor - before.processor + enqueued.processor) / count * 1000,
            "PSS MB": after.pss,
            "peak MB": after.peak,
        }


@contextmanager
def _listener(found: Stage) -> Iterator[None]:
    """Listen to all events and do nothing about them."""
    with found.queue.client.pubsub() as pubsub:
        pubsub.psubscribe(**{"*celeryev*": lambda _: None})
        thread = pubsub.run_in_thread(sleep_time=0.1, daemon=True)
        try:
            yield
        finally:
            thread.stop()
            thread.join()


def enqueueing(contender: Contender, way: str, count: int) -> Figures:
    """Enqueue *count* mails while no worker runs."""
    with stage(contender, works=False) as found:
        enqueued = found.enqueue(way, count, warm=contender.warm)
        return {
            "mails/s": count / (enqueued.ended - enqueued.began),
            "CPU us/mail": enqueued.processor / count * 1e6,
        }


def latency(contender: Contender, seconds: float) -> Figures:
    """
    Enqueue fifty mails a second and see how long each takes from the call to its readable result.

    Raises:
        BenchmarkFailed: a result never came.
    """
    count = int(50 * seconds)
    with stage(contender) as found:
        warmed(found, contender.ways[0], min(contender.warm, 1000))
        taken = found.sink.count()
        waits = _latencies(found, count)
        _count(found, taken, count)
    cuts = quantiles(waits, n=100)
    return {"p50 ms": cuts[49] * 1000, "p99 ms": cuts[98] * 1000}


def _latencies(found: Stage, count: int) -> list[float]:
    waiting: dict[str, float] = {}
    waits: list[float] = []
    line = [*found.contender.enqueue, "paced", str(count)]
    environment = {**os.environ, **found.environment}
    with subprocess.Popen(
        line, cwd=found.contender.folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as producer:

        def listen() -> None:
            for text in producer.stdout or ():
                _, key, asked = text.split()
                waiting[key] = float(asked)

        listener = threading.Thread(target=listen)
        listener.start()
        deadline = time.time() + count / 50 + 30
        while len(waits) < count and time.time() < deadline:
            sent = [key for key in list(waiting) if found.contender.is_sent(found.queue.client, [key])]
            waits += [time.time() - waiting.pop(key) for key in sent]
            time.sleep(0.001)
        listener.join()
    if len(waits) < count:
        raise BenchmarkFailed(f"{found.contender.name} gave {len(waits)} results for {count} mails")
    return waits


def _count(found: Stage, before: int, count: int) -> None:
    deadline = time.monotonic() + 5
    while found.sink.count() - before != count:
        if time.monotonic() > deadline:
            taken = found.sink.count() - before
            raise BenchmarkFailed(
                f"{found.contender.name} sent {taken} mails where {count} were enqueued\n{found.logs()}"
            )
        time.sleep(0.05)
