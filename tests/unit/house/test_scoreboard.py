"""The fault matrix's scoreboard: its sums, its table, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import sizes
from tests.scoreboard import BARS, BEGIN, END, Measure, Note, Scoreboard, main, read, scoreboard_of, table

if TYPE_CHECKING:
    from pathlib import Path


def test_every_measure_has_a_bar() -> None:
    assert set(BARS) == set(Measure)


def test_keeps_what_rows_note_and_how_they_ended(tmp_path: Path) -> None:
    Scoreboard("W1", tmp_path).note(Measure.LOST, 2, of=100)
    Scoreboard("W1", tmp_path).end(passed=False)

    assert read(tmp_path) == ([Note(Measure.LOST, "W1", 2, 100)], {"W1": [False]})


def test_keeps_nothing_unless_the_environment_names_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTROOM_SCOREBOARD", raising=False)
    monkeypatch.chdir(tmp_path)
    scoreboard_of("W1").note(Measure.LOST, 0)
    monkeypatch.setenv("POSTROOM_SCOREBOARD", "notes")
    scoreboard_of("R1").note(Measure.LOST, 0)

    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert [note.row for note in read(tmp_path / "notes")[0]] == ["R1"]


@pytest.mark.parametrize(
    ("notes", "line"),
    [
        pytest.param(
            [Note(Measure.LOST, "W1", 0, 9000), Note(Measure.LOST, "R1", 0, 1000)],
            "| accepted mails lost | 0 | 0 | 10,000 mails | R1, W1 |",
            id="counts-are-added",
        ),
        pytest.param(
            [Note(Measure.DUPLICATES, "W1", 0, 100), Note(Measure.DUPLICATES, "W1", 1, 100)],
            "| mails sent twice | 0 | 1 **over** | 200 mails | W1 |",
            id="a-bar-that-is-missed-shows",
        ),
        pytest.param(
            [Note(Measure.UNKNOWN, "W1", 4, 2000), Note(Measure.UNKNOWN, "W1", 0, 2000)],
            "| mails whose outcome is unknown | ≤ 0.20 % | 0.10 % | 4,000 mails | W1 |",
            id="shares-are-of-the-sum",
        ),
        pytest.param(
            [Note(Measure.OVERRUN, "S3", -2.0), Note(Measure.OVERRUN, "S3", -0.5)],
            "| result after the Timeout, hostile servers | ≤ 1 s worst | 0 s worst | 2 sessions | S3 |",
            id="an-end-before-the-timeout-is-no-overrun",
        ),
        pytest.param(
            [Note(Measure.REDIS_RECOVERY, "R1", second) for second in (*range(19), 99)],
            "| sending again after Redis is back | ≤ 15 s p95 | 18 s p95 **over** | 20 outages | R1 |",
            id="the-worst-twentieth-is-left-out",
        ),
    ],
)
def test_adds_up(notes: list[Note], line: str) -> None:
    assert line in table(notes, {})


def test_says_what_ran_and_what_failed() -> None:
    text = table([], {"W1": [True, True], "R1": [True, False]})

    assert "4 runs of 2 rows" in text
    assert text.endswith("R1 failed.")


def test_replaces_the_table_of_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    Scoreboard("W1", tmp_path / "notes").note(Measure.LOST, 0, of=7)

    assert main([str(tmp_path / "notes"), str(document)]) == 0
    text = document.read_text(encoding="utf-8")
    assert "old" not in text
    assert "7 mails" in text
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "7 mails" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["no notes", "no marks"])
def test_asks_for_notes_and_marks(tmp_path: Path, broken: str) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("nothing\n", encoding="utf-8")
    if broken == "no marks":
        Scoreboard("W1", tmp_path).note(Measure.LOST, 0)

    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), str(document)])
    assert end.value.code == 2
    assert document.read_text(encoding="utf-8") == "nothing\n"


@pytest.mark.parametrize(("asked", "times"), [("", 3), ("full", 100), ("0.1", 10), ("0.001", 3)], ids=str)
def test_sizes_are_a_share_of_the_full_numbers(
    asked: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_FAULTS", asked)

    assert sizes.scaled(100, once=3) == times
