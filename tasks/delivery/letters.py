"""Where the mail is not what was enqueued: the port to whatever writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure, Reply

if TYPE_CHECKING:
    from datetime import datetime

    from tasks.contract.parameters import SendEmail
    from tasks.contract.password_reset import PasswordReset
    from tasks.deadline import Deadline

_NOT_CONFIGURED: Final = Reply(
    LocalCode.POLICY,
    "this worker sends no password resets; set POSTROOM_RESETS__DIRECTORY and POSTROOM_RESETS__ISSUER",
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Which mail is to be written, when it was accepted, what moment it is, and how long writing may take."""

    mail_id: str
    accepted_at: datetime
    now: datetime
    deadline: Deadline


class Letters(Protocol):
    """Writes the mail of a password reset at the moment when it is sent."""

    def write(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:
        """
        Return the mail, with a link that was issued for it.

        Raises:
            TransientFailure: whoever knows the users, or issues the links, cannot be reached.
            PermanentFailure: nothing is to be sent, and why; the text names nobody.
        """


class NoLetters:
    """For a worker that was not told who its users are."""

    def write(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:  # noqa: ARG002 - the port's
        """Refuse."""
        raise PermanentFailure(_NOT_CONFIGURED)
