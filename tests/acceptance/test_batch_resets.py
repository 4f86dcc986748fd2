"""Password resets for a whole file: killed at any moment and started again, each user gets one mail."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tasks.testing.actions import Drop, Say
from tests import sizes
from tests.acceptance.post_office import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.post_office import PostOffice

ROWS = sizes.scaled(10_000, once=60)
KILLS = sizes.scaled(20, once=2)
REFUSED = {f"u{number}@example.org": Say("550 5.1.1 no such mailbox") for number in range(0, ROWS, 20)}
DEFERRED = {f"u{number}@example.org": (Say("451 4.7.1 later"), None) for number in range(1, ROWS, 20)}


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A file as people make them: BOM, CRLF, blank lines, quotes, duplicates."""
    file = tmp_path / "users.csv"
    lines = ["\ufeffid,User,Language"]
    for number in range(ROWS):
        lines.append(f'{number},"u{number}",{"de" if number % 2 else "en"}')
        if number % 30 == 0:
            lines += ["", f"{number},u{number},en"]
    file.write_bytes("\r\n".join(lines).encode())
    return file


@pytest.fixture
def directory(tmp_path: Path) -> dict[str, str]:
    """The worker's settings for these users."""
    file = tmp_path / "directory.csv"
    file.write_text("user,email\n" + "".join(f"u{n},u{n}@example.org\n" for n in range(ROWS)))
    return {
        "POSTROOM_RESETS__DIRECTORY": "csv",
        "POSTROOM_RESETS__DIRECTORY_FILE": str(file),
        "POSTROOM_RESETS__LINK_BASE": "https://accounts.example.org/canarylink",
        "POSTROOM_RESETS__LINK_SECRET": "0123456789abcdef0123456789abcdef",
        "POSTROOM_RESETS__PRODUCT": "Example",
        "POSTROOM_RESETS__SUPPORT": "help@example.org",
    }


def postroom(office: PostOffice, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "producers.cli.main", *arguments, "--broker", office.broker],
        env={**os.environ, "PYTHONPATH": str(ROOT), "POSTROOM_SEALING_KEYS": office.key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    out, err = process.communicate(timeout=600)
    assert b"Traceback" not in err, err
    return process.returncode, out.decode()


def batch(office: PostOffice, users: Path, *options: str) -> subprocess.Popen[bytes]:
    return postroom(
        office,
        "reset-passwords",
        str(users),
        "--actor",
        "ben",
        "--rate",
        "5000",
        "--max-refused",
        "90",
        *options,
    )


def deliveries(office: PostOffice) -> Counter[str]:
    """How often each user's mail was taken by the server."""
    return Counter(recipient for mail in office.server.mails for recipient in mail.recipients)


@pytest.mark.timeout(3600)
@pytest.mark.smtpd(rcpt={**REFUSED, **DEFERRED})
def test_a_job_that_is_killed_at_any_moment_sends_each_row_once(
    office: PostOffice, users: Path, directory: dict[str, str]
) -> None:
    office.open(**directory)
    for _ in range(KILLS):
        seen = len(office.server.mails)
        run = batch(office, users)
        more = random.randint(1, max(2, ROWS // (2 * KILLS)))  # noqa: S311 (any moment)
        office.wait_until(
            lambda run=run, until=seen + more: len(office.server.mails) >= until or run.poll() is not None,
            "mails of the job",
        )
        run.kill()
        run.communicate()
    code, out = ended(batch(office, users, "--json"))
    document = json.loads(out)
    taken = deliveries(office)

    assert code == 1
    assert document["state"] == "done"
    assert document["counts"]["sent"] == ROWS - len(REFUSED)
    assert document["counts"]["failed"] == len(REFUSED)
    assert set(taken.values()) == {1}
    assert len(taken) == ROWS - len(REFUSED)


@pytest.mark.smtpd(rcpt=REFUSED)
def test_the_report_says_what_became_of_each_row_and_nothing_secret(
    office: PostOffice, users: Path, directory: dict[str, str]
) -> None:
    office.open(**directory)
    _, out = ended(batch(office, users, "--json"))
    job = json.loads(out)["job"]
    _, table = ended(postroom(office, "reset-passwords", "report", job))
    _, page = ended(postroom(office, "reset-passwords", "report", job, "--format", "html"))
    rows = list(csv.DictReader(io.StringIO(table)))
    failed = [row for row in rows if row["state"] == "failed"]

    assert len(rows) == ROWS
    assert {(row["code"], row["enhanced_status"]) for row in failed} == {("550", "5.1.1")}
    assert all(re.fullmatch(r"u\*\*\*@example\.org", row["recipient"]) for row in rows)
    assert "canarylink" not in table + page
    assert page.count("<tr>") == ROWS + 1


@pytest.mark.smtpd(ehlo=Drop())
def test_a_job_pauses_itself_when_no_server_answers_and_resumes_by_command(
    office: PostOffice, users: Path, directory: dict[str, str]
) -> None:
    office.open(**directory)
    code, out = ended(batch(office, users, "--timeout", "1000", "--max-failures", "5", "--json"))
    document = json.loads(out)
    again, _ = ended(batch(office, users))
    resumed, _ = ended(postroom(office, "reset-passwords", "resume", document["job"]))

    assert (code, again, resumed) == (3, 3, 0)
    assert document["state"] == "paused"
    assert "rows in a row failed with" in document["why"]
    assert document["counts"]["sent"] == 0


def test_ctrl_c_leaves_a_job_that_resumes(office: PostOffice, users: Path, directory: dict[str, str]) -> None:
    office.open(**directory)
    run = batch(office, users, "--rate", "50")
    office.wait_until(lambda: len(office.server.mails) >= 5, "mails of the job")
    run.send_signal(signal.SIGINT)
    interrupted, _ = ended(run)
    code, _ = ended(batch(office, users))

    assert (interrupted, code) == (3, 0)
    assert Counter(deliveries(office).values()) == {1: ROWS}


def test_a_dry_run_finds_everything_and_sends_nothing(office: PostOffice, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(b'user,locale\nann,en\n"unclosed,en\nbob,?\n,en\n\xff\xfe,en\nann,de\n')
    code, out = ended(batch(office, file, "--dry-run", "--json"))
    document: dict[str, Any] = json.loads(out)

    assert code == 2
    assert document["usable"] >= 1
    assert document["errors"]
    assert [mail["subject"] for mail in document["samples"]] == ["Reset your Example password"]
    assert not office.redis.keys("postroom:*")
