"""Taking mails up, including those that no producer of ours has recorded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from tasks.contract.codes import LocalCode
from tasks.contract.result import Delivery, SendEmailResult
from tasks.delivery.job import LeftAlone, Settled, Suspect
from tasks.journal.records import Acceptance, Claim, Hindrance, Refusal
from tasks.loops import offload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.delivery.job import Job
    from tasks.delivery.sealing import SealPolicy
    from tasks.journal.journal import Journal
    from tasks.journal.records import Accepted

logger = logging.getLogger(__name__)

Grip: TypeAlias = Claim | Settled | Suspect | LeftAlone


class Intake:
    """
    Claims mails in the journal.

    A message by name from another program has no record yet: it is taken in first, so that from here on it
    has the same guarantees as any other.
    """

    def __init__(self, journal: Journal, sealing: SealPolicy) -> None:
        self._journal = journal
        self._sealing = sealing

    def take_up(self, run: Sequence[Job], *, in_company: bool = False) -> list[Grip]:
        """
        Return a claim for each mail of *run*, or why this worker has nothing to do with it.

        *in_company* as for `Journal.begin`.
        """
        found = self._journal.begin([job.mail_id for job in run], in_company=in_company)
        strangers = [i for i, grip in enumerate(found) if _is_unknown(grip)]
        grips: list[Grip] = [_grip(grip) for grip in found]
        if strangers:
            for i, grip in zip(strangers, self._take_in([run[i] for i in strangers]), strict=True):
                grips[i] = grip
        return grips

    def _take_in(self, run: Sequence[Job]) -> list[Grip]:
        accepted = self._journal.accept([self._sealing.entry(job) for job in run])
        claimed = self._journal.begin([job.mail_id for job in run])
        return [
            self._second_of(answer)
            if answer.outcome in {Acceptance.SAME, Acceptance.CONFLICT}
            else _grip(grip)
            for answer, grip in zip(accepted, claimed, strict=True)
        ]

    def _second_of(self, answer: Accepted) -> Settled:
        """Answer for a mail whose idempotency key belongs to an earlier one."""
        if answer.outcome is Acceptance.CONFLICT:
            return Settled(
                _not_sent(
                    "Idempotency Key: belongs to a mail with other parameters; use a new key", retryable=False
                )
            )
        [first] = offload(lambda: self._journal.look_up([answer.mail_id]))
        if first and first.result:
            return Settled(first.result)
        return Settled(
            _not_sent(
                f"Idempotency Key: the same mail is on its way as {answer.mail_id}; poll that one",
                retryable=True,
            )
        )


def _is_unknown(grip: Claim | Refusal) -> bool:
    return isinstance(grip, Refusal) and grip.hindrance is Hindrance.UNKNOWN


def _grip(grip: Claim | Refusal) -> Grip:
    if isinstance(grip, Claim):
        return grip
    if grip.hindrance is Hindrance.ALONE:
        return Suspect()
    if grip.hindrance is Hindrance.DAMAGED:
        logger.error("mail given up: the journal's record is damaged", extra={"mail_id": grip.mail_id})
    return Settled(grip.result, grip.is_resent) if grip.result else LeftAlone(grip.hindrance)


def _not_sent(message: str, *, retryable: bool) -> SendEmailResult:
    return SendEmailResult(
        success=False,
        code=LocalCode.IDEMPOTENCY_CONFLICT,
        message=message,
        delivery=Delivery.NOT_SENT,
        retryable=retryable,
        source="local",
    )
