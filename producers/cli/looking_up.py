"""Where mails stand, now or after a while."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from producers.cli.answers import Answer
from producers.cli.troubles import trouble_of
from producers.errors import INTERRUPTIONS, MailNotFound, WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from producers.client import Mailer


def look_up(mailer: Mailer, mail_ids: Iterable[str]) -> list[Answer]:
    """
    Answer for each mail where it stands now.

    Raises:
        QueueUnavailable: the queue is away.
    """
    return [_look(mailer, mail_id) for mail_id in mail_ids]


def settle(mailer: Mailer, answers: Iterable[Answer], *, timeout: float) -> list[Answer]:
    """
    Wait *timeout* seconds in all until the mails that were accepted are settled; answer for each.

    An outage of the queue, and Ctrl-C, end the waiting; the ids of the mails are in the answers then too.
    """
    last_moment = time.monotonic() + timeout
    waiting = iter(answers)
    settled: list[Answer] = []
    for answer in waiting:
        try:
            settled.append(_settle(mailer, answer, last_moment))
        except (*INTERRUPTIONS, KeyboardInterrupt) as error:
            trouble = trouble_of(error)
            settled += [replace(left, trouble=left.trouble or trouble) for left in (answer, *waiting)]
    return settled


def _settle(mailer: Mailer, answer: Answer, last_moment: float) -> Answer:
    if answer.mail_id is None:
        return answer
    try:
        mailer.wait(answer.mail_id, timeout=max(0.0, last_moment - time.monotonic()))
    except WaitTimeout as over:
        return replace(answer, status=over.status)
    except MailNotFound as error:
        return replace(answer, trouble=trouble_of(error))
    return _look(mailer, answer.mail_id)


def _look(mailer: Mailer, mail_id: str) -> Answer:
    try:
        return Answer(mail_id, mailer.poll(mail_id))
    except MailNotFound as error:
        return Answer(mail_id, trouble=trouble_of(error))
