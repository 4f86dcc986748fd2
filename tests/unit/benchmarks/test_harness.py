"""What the benchmarks conclude from what they measured."""

from __future__ import annotations

import smtplib
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import __main__ as command_line
from benchmarks.harness.contenders import NAIVE, POSTROOM
from benchmarks.harness.plans import FULL, SMALL, TINY, Plan
from benchmarks.harness.plot import bars
from benchmarks.harness.processes import usage
from benchmarks.harness.report import report
from benchmarks.harness.run import Enqueued

ROOT = Path(__file__).parents[3]


def test_tables_have_medians_spreads_and_ratios() -> None:
    ours = [{"mails/s": rate} for rate in (300.0, 100.0, 200.0)]
    table = report({"bulk": {POSTROOM.name: ours, NAIVE.name: [{"mails/s": 50.0}]}})

    assert "| Postroom | 200 (100 to 300) | 1.00 |" in table
    assert "| naive Celery | 50.0 | 0.25 |" in table


def test_a_row_that_lacks_a_figure_has_an_empty_cell() -> None:
    table = report({"bulk": {POSTROOM.name: [{"mails/s": 1.0, "PSS MB": 9.0}], "limit": [{"mails/s": 2.0}]}})

    assert "| limit | 2.00 |  | 2.00 |" in table


def test_what_an_enqueueing_program_prints_is_read() -> None:
    found = Enqueued.read("began 1.5\nended 2.5\ncpu 0.25\nkey a b\nkey c\n")

    assert found == Enqueued(1.5, 2.5, 0.25, ["a b", "c"])


def test_bars_are_an_image_whose_longest_is_the_largest_value() -> None:
    drawing = ET.fromstring(bars("a < b", {"x & y": 10.0, "z": 20.0}, ours="z"))  # noqa: S314 (our own text)
    widths = [float(r.attrib["width"]) for r in drawing.iter("{http://www.w3.org/2000/svg}rect")][1:]

    assert widths[1] == 2 * widths[0]


def test_usage_counts_processor_and_memory_of_a_process_and_its_children() -> None:
    child = "import time; sum(range(10**7)); print(1, flush=True); time.sleep(60)"
    burn = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{child}']).wait()"
    with subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) as parent:  # noqa: S603 (our own)
        assert parent.stdout is not None
        parent.stdout.readline()
        found = usage(parent.pid)
        for pid in _children(parent.pid):
            subprocess.run(["/bin/kill", str(pid)], check=True)  # noqa: S603 (our own child)

    assert found.processor > 0.05
    assert found.peak > found.pss / 2 > 2


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_the_sink_takes_pipelined_mails_and_counts_them() -> None:
    line = [sys.executable, "-m", "benchmarks.harness.sink"]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE) as server:  # noqa: S603 (our own line)
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\n..\r\n")
                client.sendmail("a@example.com", ["b@example.com"], "")
                code, count = client.docmd("XCOUNT")
        finally:
            server.kill()

    assert (code, count) == (250, b"2")


def test_the_worker_that_is_measured_is_the_procfiles() -> None:
    [(*_, command)] = POSTROOM.workers

    assert f"worker: {command}\n" in (ROOT / "Procfile").read_text()


@pytest.mark.parametrize("plan", [TINY, SMALL, FULL], ids=["tiny", "small", "full"])
def test_plans_ask_for_something_of_everything(plan: Plan) -> None:
    sizes = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}

    assert all(sizes.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "singel"), "invalid choice: 'singel'"),
        (("--rounds", "0"), "give 1 or more"),
        (("--rounds=-1",), "give 1 or more"),
        (("--rounds", "many"), "give 1 or more"),
        (("--only", "single", "--write"), "leave out --only"),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table without rows, written down, would have replaced all that there were."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])

    with pytest.raises(SystemExit) as ended:
        command_line.main()

    assert ended.value.code == 2
    assert said in capsys.readouterr().err
