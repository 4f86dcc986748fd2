"""What the model of the state machine knows: mails, the workers that hold them, and the truth about both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.contract.result import Delivery, RecipientState
from tasks.contract.validation import parse
from tasks.journal.control import Resend

if TYPE_CHECKING:
    from tasks.contract.parameters import SendEmail
    from tasks.contract.result import SendEmailResult
    from tasks.delivery.mail import Mail
    from tasks.journal.records import Record

RECIPIENTS = ("ann@example.org", "bob@example.org")


def request(*, resends: bool = False, subject: str = "s") -> SendEmail:
    return parse(
        {
            "to": list(RECIPIENTS),
            "subject": subject,
            "body": "b",
            "timeout": 3_600_000,
            "on_unknown": "resend" if resends else "report",
        }
    )


@dataclass(eq=False)
class Letter:
    """What the model knows of a mail: the *dots* that no definite "no" followed, and who has a copy."""

    mail_id: str
    request: SendEmail
    key: str | None = None
    dots: dict[str, int] = field(default_factory=lambda: dict.fromkeys(RECIPIENTS, 0))
    has_copy: set[str] = field(default_factory=set)
    told_sent: set[str] = field(default_factory=set)
    fence: int = 0
    may_double: bool = False
    result: SendEmailResult | None = None


@dataclass(eq=False)
class Hand:
    """A worker with a mail until it lets go of it, dies, or learns that it lost it; *trace* outlives it."""

    letter: Letter
    mail: Mail
    is_marked: bool = False
    trace: bytes = b""

    @property
    def is_stale(self) -> bool:
        return self.mail.claim.fence != self.letter.fence


def expected(letter: Letter, state: str, *, force: bool, is_same: bool) -> Resend:
    """Return what must become of the wish to resend *letter*."""
    if letter.result is None:
        return Resend.ON_ITS_WAY
    if state == "sent":
        return Resend.SENT
    if not is_same:
        return Resend.DIFFERENT
    return Resend.DOUBTFUL if state == "unknown" and not force else Resend.QUEUED


def assert_result_stays(letter: Letter, record: Record | None) -> None:
    """The record has the result that the model knows, and it tells the truth."""
    assert record is not None
    assert record.result == letter.result
    assert record.state.is_terminal == (letter.result is not None)
    if letter.result is not None:
        _assert_honest(letter, letter.result)


def _assert_honest(letter: Letter, result: SendEmailResult) -> None:
    states = dict(zip(RECIPIENTS, (outcome.state for outcome in result.recipients), strict=True))
    for recipient in letter.has_copy:
        assert states[recipient] in {RecipientState.SENT, RecipientState.UNKNOWN}
    assert {r for r, state in states.items() if state is RecipientState.SENT} <= letter.has_copy
    assert result.success == (result.delivery is Delivery.SENT)
    assert not result.success or letter.has_copy == set(RECIPIENTS)
    assert result.delivery is not Delivery.NOT_SENT or not letter.has_copy
