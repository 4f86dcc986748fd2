"""When a job stops itself, and what a report says of a row."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from producers.password_reset.batch.flow import Tolerance, Watch
from producers.password_reset.batch.records import RowRecord, RowState, mail_id_of
from producers.password_reset.batch.report import in_order, write_csv, write_html, write_jsonl
from producers.password_reset.batch.store import Job, JobState
from tasks.contract.codes import LocalCode


def row(code: int | None, line: int = 1, message: str = "said so") -> RowRecord:
    state = RowState.SENT if code == 250 else RowState.FAILED
    at = round(datetime(2030, 1, 31, 12, tzinfo=UTC).timestamp())
    return RowRecord(line, f"m{line}", state, at, code=code, message=message, tries=1)


def reason(codes: list[int], tolerance: Tolerance) -> str | None:
    watch = Watch(tolerance)
    return next(filter(None, (watch.see(row(code)) for code in codes)), None)


@pytest.mark.parametrize(
    "code", [421, 454, 535, LocalCode.DNS, LocalCode.CONNECT, LocalCode.LOGIN_IMPOSSIBLE]
)
def test_a_server_that_cannot_be_used_stops_the_job(code: int) -> None:
    told = reason([250, code, code, code], Tolerance(failures=3))

    assert told == f"3 rows in a row failed with {code}: said so"


def test_failures_between_successes_do_not() -> None:
    assert reason([610, 610, 250] * 20, Tolerance(failures=3)) is None


@pytest.mark.parametrize(("refused", "stops"), [(10, False), (11, True)])
def test_a_share_of_refusals_stops_the_job_once_there_are_enough_rows(refused: int, stops: bool) -> None:  # noqa: FBT001
    codes = [550] * refused + [250] * (50 - refused)
    told = reason(codes, Tolerance())

    assert bool(told) is stops
    assert not told or told == "11 of the last 50 rows were refused, more than 20%"
    assert reason([550] * 49, Tolerance()) is None


def test_old_refusals_are_forgotten() -> None:
    assert reason([550] * 10 + [250] * 50 + [550] * 10, Tolerance()) is None


def test_a_row_is_stored_in_few_bytes_and_read_again() -> None:
    record = row(550, 7)

    assert RowRecord.decode(7, record.encode().encode()) == record
    assert len(RowRecord(7, "m", RowState.QUEUED, 1).encode()) < 60


def test_the_mail_of_a_row_has_the_same_id_in_every_run_and_another_in_a_retry() -> None:
    assert mail_id_of("job", "ann") == mail_id_of("job", "ann")
    assert len({mail_id_of("job", "ann"), mail_id_of("job2", "ann"), mail_id_of("job", "ann", 2)}) == 3


HOSTILE = row(550, 2, '=HYPERLINK("https://evil")<script>')


def test_a_table_says_what_became_of_each_row_and_no_cell_is_a_formula() -> None:
    text = io.StringIO(newline="")
    write_csv([row(250), HOSTILE], text)
    first, second = csv.DictReader(io.StringIO(text.getvalue()))

    assert (first["row"], first["state"], first["code"], first["attempts"]) == ("1", "sent", "250", "1")
    assert first["at"] == "2030-01-31T12:00:00+00:00"
    assert second["message"].startswith("'=")


def test_each_row_is_an_object() -> None:
    text = io.StringIO()
    write_jsonl([row(250), HOSTILE], text)

    assert [json.loads(line)["row"] for line in text.getvalue().splitlines()] == [1, 2]


def test_a_page_escapes_what_servers_said() -> None:
    text = io.StringIO()
    job = Job("users-1", JobState.PAUSED, why="<b>why</b>", rows=2)
    write_html(job, {RowState.SENT: 1, RowState.FAILED: 1}, [row(250), HOSTILE], text)

    assert "<script>" not in text.getvalue()
    assert "<b>why" not in text.getvalue()
    assert "http-equiv" not in text.getvalue() or "src=" not in text.getvalue()


def test_rows_are_in_order_and_each_once() -> None:
    assert [record.line for record in in_order([row(250, 3), row(250, 1), row(550, 3)])] == [1, 3]
