"""What is said of a mail whose record somebody wrote into by hand, so that it cannot be read."""

from __future__ import annotations

from typing import Final

from tasks.contract.codes import LocalCode
from tasks.contract.result import Delivery, SendEmailResult
from tasks.journal.keys import MAIL

#: What comes of reading a record that somebody wrote into: texts, numbers, moments or JSON that are none.
UNREADABLE: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    OSError,
    RecursionError,
)


class Damaged(ValueError):
    """Nobody of ours can have written a mail's record so."""


def damaged(mail_id: str) -> SendEmailResult:
    """Return the result of a mail whose record cannot be read: nobody knows what became of it."""
    return SendEmailResult(
        success=False,
        code=LocalCode.UNKNOWN,
        message=(
            f"the journal's record of this mail ({MAIL}{mail_id}) is damaged: nobody can tell whether it was "
            "sent, and it will not be; ask the mail server's log before you send it again"
        ),
        delivery=Delivery.UNKNOWN,
        retryable=False,
        source="local",
    )


def is_damage(answer: object) -> bool:
    """Whether Redis answered that what should be a mail's record is of another type."""
    return isinstance(answer, Exception) and str(answer).startswith("WRONGTYPE")
