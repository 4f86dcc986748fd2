"""What the gateway does with the queue, for a run of requests at a time; everything here blocks."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import RedisError

from producers.errors import QueueUnavailable
from producers.rest import Rest
from producers.web.admission import Visit
from producers.web.index import Mention
from producers.web.parcels import Finding, Receipt
from producers.web.reaching import reaching
from tasks.journal.records import Acceptance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from producers.outbox import Outbox
    from producers.web.admission import Admission
    from producers.web.index import Index
    from producers.web.letters import Letter
    from producers.web.parcels import Parcel, Question
    from producers.web.rates import Allowance, Rates
    from tasks.contract.names import Lane
    from tasks.journal.records import Accepted


class Desk:
    """Counts, notes and hands in. Every method raises `QueueUnavailable` within seconds."""

    def __init__(self, outbox: Outbox, *, index: Index, rates: Rates, admission: Admission) -> None:
        self._outbox = outbox
        self._admission = admission
        self._index = index
        self._rates = rates
        self._rest = Rest()

    def hand_in(self, run: Sequence[Parcel]) -> list[Receipt | QueueUnavailable]:
        """Take in what the rates of the keys allow; what goes different ways fails by itself."""
        drafts = [[Draft(letter, str(uuid.uuid4())) for letter in parcel.letters] for parcel in run]
        visits = [_visit(parcel, drafts) for parcel, drafts in zip(run, drafts, strict=True)]
        with reaching(self._rest):
            allowances = self._admission.admit(visits)
        answers = iter(self._take_in([d for d, a in zip(drafts, allowances, strict=True) if a.is_granted]))
        return [
            _receipt(allowance, next(answers) if allowance.is_granted else ()) for allowance in allowances
        ]

    def look_up(self, run: Sequence[Question]) -> list[Finding]:
        """Return where mails stand; whether a foreign one exists makes no difference, in time neither."""
        with reaching(self._rest):
            allowances = self._rates.take([(question.key, int(question.is_counted)) for question in run])
            owned = self._index.own([(question.key.id, question.mail_id) for question in run])
        mail_ids = [question.mail_id for question, is_own in zip(run, owned, strict=True) if is_own]
        records = iter(self._outbox.look_up(mail_ids) if mail_ids else ())
        return [
            Finding(allowance, next(records) if is_own else None)
            for allowance, is_own in zip(allowances, owned, strict=True)
        ]

    def _take_in(self, parcels: Sequence[Sequence[Draft]]) -> list[Sequence[Accepted] | QueueUnavailable]:
        drafts = [draft for parcel in parcels for draft in parcel]
        found: dict[str, Accepted | QueueUnavailable] = {}
        for way in _by_way(drafts):
            found |= zip((draft.mail_id for draft in way), self._send(way), strict=True)
        return [_together([found[draft.mail_id] for draft in parcel]) for parcel in parcels]

    def _send(self, way: Sequence[Draft]) -> Sequence[Accepted | QueueUnavailable]:
        first = way[0].letter
        try:
            answers = self._outbox.hand_in(
                [draft.letter.request for draft in way],
                lane=first.lane,
                send_at=first.send_at,
                mail_ids=[draft.mail_id for draft in way],
                notify=[draft.letter.key.notify for draft in way],
            )
        except QueueUnavailable as away:
            return [away] * len(way)
        self._forget([d for d, a in zip(way, answers, strict=True) if a.outcome is not Acceptance.ACCEPTED])
        return answers

    def _forget(self, drafts: Sequence[Draft]) -> None:
        """Drop the entries of mails that were not new; left behind in an outage, they fade away."""
        with suppress(RedisError, OSError):
            for draft in drafts:
                self._index.forget(draft.letter.key.id, [draft.mail_id])


class Draft(NamedTuple):
    """A letter with the id that it has if it is new."""

    letter: Letter
    mail_id: str


def _visit(parcel: Parcel, drafts: Sequence[Draft]) -> Visit:
    mentions = [Mention(mail_id, letter.reference) for letter, mail_id in drafts]
    return Visit(parcel.key, parcel.cost, mentions, max(letter.delay for letter in parcel.letters))


def _by_way(drafts: Sequence[Draft]) -> list[list[Draft]]:
    found: dict[tuple[Lane, datetime | None], list[Draft]] = {}
    for draft in drafts:
        found.setdefault((draft.letter.lane, draft.letter.send_at), []).append(draft)
    return list(found.values())


def _together(answers: Sequence[Accepted | QueueUnavailable]) -> Sequence[Accepted] | QueueUnavailable:
    away = next((answer for answer in answers if isinstance(answer, QueueUnavailable)), None)
    return away or [answer for answer in answers if not isinstance(answer, QueueUnavailable)]


def _receipt(
    allowance: Allowance, answers: Sequence[Accepted] | QueueUnavailable
) -> Receipt | QueueUnavailable:
    return answers if isinstance(answers, QueueUnavailable) else Receipt(allowance, tuple(answers))
