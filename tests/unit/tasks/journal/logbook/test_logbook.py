"""What is done with mails stands in the logbook before it is done, or the logbook is taken away."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.logbook import logbook as module
from tasks.journal.logbook.lines import Trace, read
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.records import Claim, Grip
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.journal.logbook.shelf import Shelf

SENT = SendEmailResult(
    success=True, code=250, message="ok", delivery=Delivery.SENT, retryable=False, source="server"
)
THEN = datetime.fromtimestamp(0, tz=UTC)


def claim(mail_id: str = "m", fence: int = 1, grip: Grip = Grip.YOURS, progress: str = "") -> Claim:
    return Claim(mail_id, fence, grip, THEN, THEN, 0.0, progress=progress)


def settlement(mail_id: str = "m") -> Settlement:
    return Settlement.of(claim(mail_id), MailState.SENT, SENT)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.logbook")) if folder.exists() else []


def traces(folder: Path) -> dict[str, Trace]:
    [path] = files(folder)
    return {trace.mail_id: trace for trace in read(path.read_text().splitlines()[1:])}


def away(*_: Any, **__: Any) -> Any:
    raise OSError(28, "No space left on device")


def test_each_step_of_a_mail_is_there_as_soon_as_it_was_noted(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim(fence=7, progress='[["open", 0]]')])
    assert traces(folder)["m"] == Trace("m", 7, '[["open", 0]]')

    logbook.send_dots([claim(fence=7)])
    assert traces(folder)["m"].is_out

    logbook.keep_open(claim(fence=7), lambda: '[["open", 451]]')
    assert traces(folder)["m"] == Trace("m", 7, '[["open", 451]]')

    logbook.send_dots([claim(fence=7)])
    logbook.settle([Settlement.of(claim(fence=7), MailState.SENT, SENT)])
    assert traces(folder)["m"].result == SENT
    assert traces(folder)["m"].state is MailState.SENT


def test_a_mail_of_whose_dot_nobody_knows_is_in_doubt_from_the_start(folder: Path, shelf: Shelf) -> None:
    Logbook(shelf).take_up([claim(grip=Grip.UNCONFIRMED), claim("n", grip=Grip.CRASHED)])

    assert {mail_id: trace.is_out for mail_id, trace in traces(folder).items()} == {"m": True, "n": False}


def test_a_mail_whose_id_cannot_stand_in_a_line_is_not_written_down(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    odd = claim("m 1\ntake n")
    logbook.take_up([odd, claim("n")])
    logbook.send_dots([odd])
    logbook.keep_open(odd, lambda: "")

    assert list(traces(folder)) == ["n"]


def test_what_is_not_in_hand_is_not_written_down(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    logbook.let_go([claim()])
    logbook.send_dots([claim()])

    assert not traces(folder)["m"].is_out


def test_a_long_logbook_is_begun_anew_with_the_mails_in_hand(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf, most_bytes=300)
    logbook.take_up([claim("first")])
    for number in range(50):
        other = claim(f"m{number}")
        logbook.take_up([other])
        logbook.send_dots([other])
        logbook.let_go([other])
    logbook.send_dots([claim("first")])

    assert files(folder)[0].stat().st_size < 700
    assert traces(folder)["first"].is_out
    assert "m0" not in traces(folder)


def test_a_mail_that_is_taken_up_again_begins_anew(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    logbook.send_dots([claim()])
    logbook.let_go([claim()])
    logbook.take_up([claim(fence=2)])

    assert traces(folder)["m"] == Trace("m", 2, "")


def test_a_logbook_that_cannot_be_written_is_taken_away_before_the_dot(
    folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    monkeypatch.setattr(module.os, "write", away)
    logbook.send_dots([claim()])

    assert files(folder) == []
    logbook.take_up([claim("n")])
    logbook.send_dots([claim("n")])
    logbook.settle([settlement("n")])


def test_half_a_line_is_no_line(folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    monkeypatch.setattr(module.os, "write", lambda _descriptor, text: len(text) - 1)
    logbook.send_dots([claim()])

    assert files(folder) == []


def test_one_that_can_only_be_emptied_tells_nothing_any_more(
    folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    monkeypatch.setattr(module.os, "write", away)
    monkeypatch.setattr("pathlib.Path.unlink", away)
    logbook.send_dots([claim()])

    assert files(folder)[0].read_bytes() == b""


def test_no_dot_may_go_out_while_a_logbook_that_lacks_it_can_neither_be_removed_nor_emptied(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    monkeypatch.setattr(module.os, "write", away)
    monkeypatch.setattr(module.os, "ftruncate", away)
    monkeypatch.setattr("pathlib.Path.unlink", away)

    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            logbook.send_dots([claim()])


def test_where_logbooks_cannot_be_kept_mails_are_carried_without_and_that_is_said_once(
    folder: Path, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    folder.chmod(0o777)
    logbook = Logbook(shelf)
    for _ in range(2):
        logbook.take_up([claim()])
        logbook.send_dots([claim()])

    assert [record.message for record in caplog.records] == ["no logbook"]
    assert files(folder) == []


def test_results_that_redis_did_not_take_are_left_where_they_are_found(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim(), claim("n")])
    logbook.send_dots([claim()])
    logbook.settle([settlement()])
    logbook.leave([claim()])

    [book] = shelf.left()
    assert [trace.mail_id for trace in read(book.path.read_text().splitlines()[1:])] == ["m"]
    assert len(files(folder)) == 2


def test_a_logbook_is_gone_when_its_process_ends_with_nothing_in_hand(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim()])
    logbook.close()
    assert len(files(folder)) == 1

    logbook.let_go([claim()])
    logbook.close()
    assert files(folder) == []


def test_a_forked_process_has_a_logbook_of_its_own(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    logbook.take_up([claim("parents")])
    child = os.fork()
    if not child:
        logbook.take_up([claim("childs")])
        logbook.send_dots([claim("parents")])
        os._exit(0)
    os.waitpid(child, 0)

    texts = [path.read_text().partition("\n")[2] for path in files(folder)]
    assert sorted(texts) == ["take childs 1 \n", "take parents 1 \n"]


def test_without_a_shelf_nothing_is_written(folder: Path) -> None:
    logbook = Logbook()
    logbook.take_up([claim()])
    logbook.send_dots([claim()])
    logbook.settle([settlement()])
    logbook.leave([claim()])
    logbook.close()

    assert not folder.exists()


def test_an_older_claim_of_a_mail_leaves_the_lines_of_the_newer_one_alone(folder: Path, shelf: Shelf) -> None:
    logbook = Logbook(shelf)
    old, new = claim(fence=1), claim(fence=2)
    logbook.take_up([old])
    logbook.take_up([new])

    logbook.let_go([old])
    logbook.send_dots([new])
    logbook.keep_open(old, lambda: "")
    logbook.settle([Settlement.of(old, MailState.SENT, SENT)])
    logbook.leave([old])

    assert len(files(folder)) == 1
    assert (traces(folder)["m"].fence, traces(folder)["m"].is_out, traces(folder)["m"].result) == (
        2,
        True,
        None,
    )
