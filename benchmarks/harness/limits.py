"""What no queue can beat: the mail server's own client in C, and one Python process without any queue."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness import servers
from benchmarks.harness.failed import BenchmarkFailed
from benchmarks.harness.run import Enqueued
from benchmarks.harness.scratch import ROOT

if TYPE_CHECKING:
    from benchmarks.harness.scenarios import Figures


def smtp_source(count: int) -> Figures:
    """Send *count* mails with Postfix's smtp-source over ten kept sessions; nothing where it is missing."""
    program = shutil.which("smtp-source")
    if program is None:
        return {}
    with tempfile.TemporaryDirectory() as folder, servers.sink(Path(folder)) as sink:
        line = [program, "-d", "-s", "10", "-m", str(count), "-l", "1000", f"127.0.0.1:{sink.port}"]
        began = time.monotonic()
        subprocess.run(line, check=True)
        return {"mails/s": count / (time.monotonic() - began)}


def pipelined_python(count: int) -> Figures:
    """
    Send *count* mails with a process that does nothing else.

    Raises:
        BenchmarkFailed: the sink took another number.
    """
    with tempfile.TemporaryDirectory() as folder, servers.sink(Path(folder)) as sink:
        line = [sys.executable, "-m", "benchmarks.peers.pipelined", str(sink.port), str(count)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
        servers.wait_until(lambda: sink.count() == count, what=f"the sink did not take {count} mails")
    sent = Enqueued.read(done.stdout)
    if sent.ended <= sent.began:
        raise BenchmarkFailed("the clock ran backwards")
    return {"mails/s": count / (sent.ended - sent.began), "CPU s/1000": sent.processor / count * 1000}
