"""Cancelling and resending mails, and saying for each what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.cli.answers import Answer
from producers.cli.exit_codes import ExitCode
from producers.cli.troubles import trouble_of
from producers.errors import (
    INTERRUPTIONS,
    AlreadyOnItsWay,
    AlreadySent,
    MailNotFound,
    ParametersDiffer,
    WouldDouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from producers.client import Mailer


@dataclass(frozen=True, slots=True)
class Cancellation(Answer):
    """The answer for a mail that was to be cancelled: what is wanted is that it was not sent."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that has this answer only."""
        told = Answer(self.mail_id, self.status, self.trouble).exit_code
        if self.status is None or told is ExitCode.UNSETTLED:
            return told
        return ExitCode.OK if self.status.state == "cancelled" else ExitCode.NOT_SENT


def cancel(mailer: Mailer, mail_ids: Iterable[str]) -> list[Answer]:
    """
    Cancel each mail that waits and answer for all of them; when the queue goes away, the rest are told so.

    Raises:
        QueueUnavailable: the queue was away from the beginning.
    """
    waiting = iter(mail_ids)
    answers: list[Answer] = []
    for mail_id in waiting:
        try:
            answers.append(_cancel(mailer, mail_id))
        except INTERRUPTIONS as away:
            if not answers:
                raise
            trouble = trouble_of(away)
            answers += [Answer(left, trouble=trouble) for left in (mail_id, *waiting)]
    return answers


def resend(mailer: Mailer, mail_id: str, message: Mapping[str, object], *, force: bool) -> Answer:
    """
    Resend a mail and answer for it.

    Raises:
        InvalidInput: the message is not valid.
        QueueUnavailable: the queue is away.
    """
    try:
        mailer.resend(mail_id, message, force=force)
    except (AlreadyOnItsWay, AlreadySent, MailNotFound, ParametersDiffer, WouldDouble) as error:
        return Answer(mail_id, trouble=trouble_of(error))
    return Answer(mail_id)


def _cancel(mailer: Mailer, mail_id: str) -> Answer:
    try:
        status = mailer.cancel(mail_id)
    except (AlreadyOnItsWay, MailNotFound) as error:
        return Answer(mail_id, trouble=trouble_of(error))
    return Cancellation(mail_id, status)
