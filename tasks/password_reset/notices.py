"""Telling somebody of the staff that a reset they asked for was not sent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.contract.names import Lane
from tasks.contract.password_reset import parse_password_reset
from tasks.journal.audit import Asked, Audit
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal
from tasks.journal.limits import Limit, Limits
from tasks.journal.untold import Untold

if TYPE_CHECKING:
    from redis import Redis

    from tasks.journal.audit import Audited
    from tasks.journal.sealing import Seal

_NAMESPACE: Final = uuid.UUID("0f6f3f0a-61c1-4a55-9d0f-4b5f1f6f2d6e")
_RUN: Final = 100
#: Seconds until the sweeper publishes a notice: any, for what is due at once is left to its producer.
_DELAY: Final = 0.1
#: Notices that one actor gets in an hour; whoever has more failures has seen why.
_PER_HOUR: Final = 20
_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Staff:
    """Where actors have their mailboxes: in *domain*, nowhere else; and the language of what they get."""

    domain: str
    locale: str = "en"

    def address_of(self, actor: str) -> str | None:
        """Return the address of *actor*, a name or an address; None for one of another domain."""
        if not self.domain:
            return None
        name, at, domain = actor.rpartition("@")
        if not at:
            return f"{actor}@{self.domain}"
        return f"{name}@{self.domain}" if domain.casefold() == self.domain.casefold() else None


class Notices:
    """
    Hands in a notice for each reset of a specified user that failed, once, whoever looks how often.

    A notice is a mail that is written late, as resets are: it names the reset, and the worker that sends it
    reads in the record what became of that. It never has a link, and there is none for public requests, for
    rows of batches, which have reports, and for notices.
    """

    def __init__(self, redis: Redis, staff: Staff, *, seal: Seal | None = None) -> None:
        self._staff = staff
        self._seal = seal
        self._untold = Untold(redis)
        self._audit = Audit(redis, seal=seal)
        self._limits = Limits(redis)
        self._journal = Journal(redis)

    def tell(self) -> int:
        """
        Look at failures that nobody looked at, and return how many notices were handed in.

        Raises:
            redis.RedisError: Redis cannot be reached; what was not reached stays.
        """
        count = 0
        for mail_id in self._untold.oldest(_RUN):
            record = self._audit.get(mail_id)
            if record is not None and self._is_wanted(record):
                self._hand_in(record)
                count += 1
            self._untold.drop(mail_id)
        return count

    def _is_wanted(self, record: Audited) -> bool:
        asked = record.asked
        if asked.workflow != "specified" or not asked.actor or not self._staff.address_of(asked.actor):
            return False
        name = self._seal.names("notice", asked.actor.encode())[0] if self._seal else asked.actor
        limit = Limit(f"notice:{name}", _PER_HOUR, _HOUR)
        return self._limits.take(asked.mail_id, [limit]) is None

    def _hand_in(self, record: Audited) -> None:
        asked = record.asked
        actor = asked.actor or ""
        notice = parse_password_reset(
            {"workflow": "failed", "user": actor, "about": asked.mail_id, "locale": self._staff.locale}
        )
        # The same in every run: handing it in again changes nothing.
        notice_id = str(uuid.uuid5(_NAMESPACE, asked.mail_id))
        self._audit.note(Asked(notice_id, "failed", actor, reason=asked.mail_id, ticket=asked.ticket))
        entry = Entry.of(notice_id, Lane.DEFAULT.value, notice, delay=_DELAY, seal=self._seal)
        self._journal.accept([entry])
