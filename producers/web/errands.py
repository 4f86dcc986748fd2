"""What a request does by itself: cancel, send again, store, list. Everything here blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from producers.rest import Rest
from producers.web.parcels import Finding, Found, cost_of
from producers.web.reaching import reaching

if TYPE_CHECKING:
    from redis import Redis

    from producers.outbox import Outbox
    from producers.web.index import Index
    from producers.web.keys import Key
    from producers.web.parcels import Wanted
    from producers.web.rates import Allowance, Rates
    from tasks.contract.parameters import SendEmail
    from tasks.journal.control import Resend
    from tasks.journal.records import Record

#: Mails that a search looks at together, and how often: a rare state may be a thousand mails away.
_A_LOOK: Final = 100
_MOST_LOOKS: Final = 10


class Errands:
    """
    Counts a request and does what it asks for, with mails of its own key only.

    Every method raises `QueueUnavailable` within seconds when the journal is away.
    """

    def __init__(self, outbox: Outbox, redis: Redis, *, index: Index, rates: Rates) -> None:
        self._outbox = outbox
        self._redis = redis
        self._index = index
        self._rates = rates
        self._rest = Rest()

    def count(self, key: Key, cost: int = 1) -> Allowance:
        """Count a request that is made by itself."""
        with reaching(self._rest):
            return self._rates.take([(key, cost)])[0]

    def cancel(self, key: Key, mail_id: str) -> Finding:
        """Cancel the mail if it waits; say where it stands then."""
        allowance, is_own = self._admit(key, mail_id)
        if not is_own:
            return Finding(allowance, None)
        self._outbox.cancel(mail_id)
        return Finding(allowance, self._outbox.look_up([mail_id])[0])

    def may_resend(self, key: Key, mail_id: str, size: int) -> Finding:
        """Say where the mail stands that is to be sent again with parameters of *size* bytes."""
        allowance, is_own = self._admit(key, mail_id, cost_of(size))
        return Finding(allowance, self._outbox.look_up([mail_id])[0] if is_own else None)

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> tuple[Resend, Record | None]:
        """Open a settled mail again, or say why not; say where it stands then."""
        outcome = self._outbox.resend(mail_id, request, force=force)
        return outcome, self._outbox.look_up([mail_id])[0]

    def store(self, key: Key, content: bytes) -> tuple[Allowance, str]:
        """Store the bytes of an attachment and return their digest; none where the key has gone too fast."""
        allowance = self.count(key, cost_of(len(content)))
        return allowance, self._outbox.store(content) if allowance.is_granted else ""

    def page(self, key: Key, wanted: Wanted) -> tuple[Allowance, Found]:
        """Return a page of the mails of *key*, nothing where it has gone too fast."""
        allowance = self.count(key)
        return allowance, self._search(key, wanted) if allowance.is_granted else Found((), None)

    def _search(self, key: Key, wanted: Wanted) -> Found:
        found: list[Record] = []
        before = wanted.before
        for _ in range(_MOST_LOOKS):
            with reaching(self._rest):
                places = self._index.page(key.id, reference=wanted.reference, before=before, size=_A_LOOK)
            records = self._outbox.look_up([place.mail_id for place in places]) if places else []
            for place, record in zip(places, records, strict=True):
                before = place.moment
                if record and wanted.state in {None, record.state}:
                    found.append(record)
                if len(found) == wanted.size:
                    return Found(tuple(found), before)
            if len(places) < _A_LOOK:
                return Found(tuple(found), None)
        return Found(tuple(found), before)

    def _admit(self, key: Key, mail_id: str, cost: int = 1) -> tuple[Allowance, bool]:
        allowance = self.count(key, cost)
        with reaching(self._rest):
            [is_own] = self._index.own([(key.id, mail_id)])
        return allowance, is_own and allowance.is_granted

    def ping(self) -> None:
        """Make sure that the journal answers."""
        with reaching(self._rest):
            self._redis.ping()
