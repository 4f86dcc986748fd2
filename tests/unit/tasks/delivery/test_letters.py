"""Password resets in a worker's hands: written when they are sent, put off while nobody can be looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.codes import LocalCode
from tasks.contract.result import Delivery
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.delivery.job import Job, PutBack, Settled
from tasks.failures import PermanentFailure, Receipt, Reply, TransientFailure
from tasks.journal.audit import Asked, Audit

if TYPE_CHECKING:
    from tasks.contract.parameters import SendEmail
    from tasks.contract.password_reset import PasswordReset
    from tasks.delivery.job import Verdict
    from tasks.delivery.letters import Occasion

RESET = {"password_reset": {"workflow": "specified", "user": "ann", "actor": "ben"}}
AWAY = TransientFailure(Reply(LocalCode.CONNECT, "the directory cannot be reached"))
NOBODY = PermanentFailure(Reply(LocalCode.POLICY, "the directory knows no such user"))


@dataclass
class ScriptedLetters:
    """Writes to ann, or raises the next of *failures*."""

    failures: list[Exception] = field(default_factory=list)
    occasions: list[Occasion] = field(default_factory=list)

    def write(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:
        self.occasions.append(occasion)
        if self.failures:
            raise self.failures.pop(0)
        return parse({"to": f"{reset.user}@example.org", "subject": "Reset", "body": "https://link"})


@pytest.fixture
def letters(desk: Any) -> ScriptedLetters:
    desk.letters = ScriptedLetters()
    found: ScriptedLetters = desk.letters
    return found


def deliver(desk: Any) -> Verdict:
    [verdict] = desk.service().deliver([Job("m1", "reset", RESET)])
    found: Verdict = verdict
    return found


def die_amid_the_dot(desk: Any) -> None:
    """Leave the mail as a worker does that died after it sent the dot."""
    [mail] = desk.service().take_up([Job("m1", "reset", RESET)], lambda *_: None)
    desk.transport.tried.append(mail.submission())
    desk.journal.mark([mail.claim], [mail.covered()])
    desk.redis.hset("postroom:mail:m1", "lease", 0)


def test_a_reset_is_written_when_it_is_sent(desk: Any, letters: ScriptedLetters) -> None:
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert verdict.result.success
    assert desk.transport.recipients == [("ann@example.org",)]
    assert 0 < letters.occasions[0].deadline.remaining <= 60


def test_what_the_journal_holds_meanwhile_is_the_reference_only(desk: Any, letters: ScriptedLetters) -> None:
    letters.failures = [AWAY]
    deliver(desk)
    stored = b" ".join(desk.redis.hgetall("postroom:mail:m1").values())

    assert b'"user":"ann"' in stored.replace(b" ", b"")
    assert b"example.org" not in stored


def test_a_reset_waits_in_the_journal_while_nobody_can_be_looked_up(
    desk: Any, letters: ScriptedLetters
) -> None:
    letters.failures = [AWAY]
    verdict = deliver(desk)

    assert isinstance(verdict, PutBack)
    assert verdict.code == LocalCode.CONNECT
    assert desk.journal.look_up(["m1"])[0].state is MailState.RETRYING


def test_a_reset_that_waited_is_written_anew(desk: Any, letters: ScriptedLetters) -> None:
    letters.failures = [AWAY]
    deliver(desk)
    desk.redis.hset("postroom:mail:m1", "due", 0)
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert [attempt.code for attempt in verdict.result.attempts] == [LocalCode.CONNECT, 250]
    assert len(letters.occasions) == 2


def test_how_a_reset_ended_goes_on_record_for_longer_than_the_journal_keeps_it(
    desk: Any, letters: ScriptedLetters
) -> None:
    audit = Audit(desk.redis)
    audit.note(Asked("m1", "specified", "ann", actor="ben"))
    letters.failures = [NOBODY]
    deliver(desk)
    desk.redis.delete("postroom:mail:m1")
    [record] = audit.find(actor="ben")

    assert (record.code, record.message) == (LocalCode.POLICY, "the directory knows no such user.")


def test_a_reset_for_nobody_is_not_sent_and_says_why(desk: Any, letters: ScriptedLetters) -> None:
    letters.failures = [NOBODY]
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert (verdict.result.code, verdict.result.delivery) == (LocalCode.POLICY, Delivery.NOT_SENT)
    assert desk.transport.tried == []


def test_a_worker_without_a_directory_says_which_setting_it_lacks(desk: Any) -> None:
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert "POSTROOM_RESETS__DIRECTORY" in verdict.result.message


def test_a_bug_in_a_directory_fails_this_mail_and_quotes_nothing(desk: Any, letters: ScriptedLetters) -> None:
    letters.failures = [KeyError("canary")]
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert verdict.result.code == LocalCode.INTERNAL
    assert "canary" not in verdict.result.model_dump_json()


@pytest.mark.parametrize("failure", [AWAY, NOBODY, KeyError("bug")], ids=["away", "nobody", "bug"])
def test_a_reset_whose_dot_may_be_out_is_unknown_whatever_the_directory_says_now(
    failure: Exception, desk: Any, letters: ScriptedLetters
) -> None:
    die_amid_the_dot(desk)
    letters.failures = [failure]
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert (verdict.result.code, verdict.result.delivery) == (LocalCode.UNKNOWN, Delivery.UNKNOWN)
    assert len(desk.transport.tried) == 1


def test_a_reset_is_never_sent_after_its_lifetime(desk: Any, letters: ScriptedLetters) -> None:
    letters.failures = [AWAY]
    deliver(desk)
    hour = 3600 * 1000
    accepted = int(desk.redis.hget("postroom:mail:m1", "accepted"))
    desk.redis.hset("postroom:mail:m1", mapping={"due": 0, "accepted": accepted - hour})
    verdict = deliver(desk)

    assert isinstance(verdict, Settled)
    assert verdict.result.code == LocalCode.TIME_OVER
    assert len(letters.occasions) == 1


def test_an_invalid_reset_by_name_is_a_result(desk: Any) -> None:
    [verdict] = desk.service().deliver([Job("m1", "reset", {"password_reset": {"user": 7}})])

    assert verdict.result.code == LocalCode.INVALID_INPUT
    assert "User: is a number" in verdict.result.message
    assert isinstance(desk.transport.answers[0], Receipt)
    assert desk.transport.tried == []
