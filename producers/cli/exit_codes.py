"""What `postroom` says to the program that started it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.contract.status import MailStatus


class ExitCode(IntEnum):
    """The exit codes of every command of `postroom`."""

    OK = 0
    """Done; every mail that was asked about is sent, or cancelled by `cancel`; every account usable."""
    NOT_SENT = 1
    """
    At least one mail was not sent, or not to everybody, or not cancelled since it had ended otherwise; an
    account is not usable; the demo went wrong.
    """
    INVALID = 2
    """The command line, a setting or a message is wrong; that message was not handed in."""
    UNSETTLED = 3
    """The outcome of a mail is unknown, or not there yet."""
    NO_SUCH_MAIL = 4
    """There is no mail, no delivery, or no entry in quarantine, of this id, or it has been forgotten."""
    QUEUE_UNAVAILABLE = 5
    """The queue could not be reached."""
    INTERNAL = 70
    """An error of this program."""
    INTERRUPTED = 130
    """Ctrl-C."""


#: Which one is reported where several mails ended differently: the first of these that occurred.
_PRECEDENCE: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.QUEUE_UNAVAILABLE,
    ExitCode.INVALID,
    ExitCode.NO_SUCH_MAIL,
    ExitCode.UNSETTLED,
    ExitCode.NOT_SENT,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that stands for *codes* together."""
    found = set(codes)
    return next((code for code in _PRECEDENCE if code in found), ExitCode.OK)


def exit_code_of(status: MailStatus) -> ExitCode:
    """Return the code for a mail that stands as *status* says."""
    if not status.state.is_terminal or status.state == "unknown":
        return ExitCode.UNSETTLED
    return ExitCode.OK if status.state == "sent" else ExitCode.NOT_SENT
