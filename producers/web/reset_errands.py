"""Password resets as requests of a key: counted, asked for, and put on the key's list. Everything blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from producers.connections import reaching
from producers.web.index import Mention

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from producers.password_reset.resets import Resets
    from producers.web.index import Index
    from producers.web.keys import Key
    from producers.web.rates import Allowance, Rates
    from tasks.journal.audit import Audited


class Asked(NamedTuple):
    """The answer to a request: an id, unless the key has gone too fast."""

    allowance: Allowance
    mail_id: str = ""


class ResetErrands:
    """Every method raises `QueueUnavailable` within seconds when the journal is away."""

    def __init__(self, resets: Resets, *, index: Index, rates: Rates) -> None:
        self._resets = resets
        self._index = index
        self._rates = rates

    def for_user(self, key: Key, asked: Mapping[str, Any]) -> Asked:
        """
        Ask for the reset of a specified user's password; the key can look its outcome up.

        Raises:
            InvalidInput: with every error of every field.
            TooManyResets: for this user or by this actor.
            IdempotencyConflict: the key or ticket belongs to a reset with other parameters.
        """
        allowance = self._count(key)
        if not allowance.is_granted:
            return Asked(allowance)
        mail_id = self._resets.for_user(**{"actor": key.name, **asked, **_account(key), "notify": key.notify})
        self._remember(key, mail_id)
        return Asked(allowance, mail_id)

    def for_requester(self, key: Key, asked: Mapping[str, Any]) -> Asked:
        """
        Take a public request in; nobody can look its outcome up over HTTP.

        Raises:
            InvalidInput: with every error of every field.
        """
        allowance = self._count(key)
        if not allowance.is_granted:
            return Asked(allowance)
        return Asked(allowance, self._resets.for_requester(**asked, **_account(key)))

    def completed(self, key: Key, asked: Mapping[str, Any]) -> Asked:
        """
        Tell a user that their password was changed; the key can look its outcome up.

        Raises:
            InvalidInput: with every error of every field.
        """
        allowance = self._count(key)
        if not allowance.is_granted:
            return Asked(allowance)
        mail_id = self._resets.completed(**asked, **_account(key), notify=key.notify)
        self._remember(key, mail_id)
        return Asked(allowance, mail_id)

    def audit(self, key: Key, query: Mapping[str, Any]) -> tuple[Allowance, Sequence[Audited]]:
        """Find the records that *query* describes, of all keys and other producers."""
        allowance = self._count(key)
        return allowance, self._resets.audit(**query) if allowance.is_granted else ()

    def close(self) -> None:
        """Close the connections."""
        self._resets.close()

    def _remember(self, key: Key, mail_id: str) -> None:
        # Only now is the id known; a process that dies before leaves a reset that is sent, and on no list.
        with reaching():
            self._index.remember({key.id: [Mention(mail_id)]})

    def _count(self, key: Key) -> Allowance:
        with reaching():
            return self._rates.take([(key, 1)])[0]


def _account(key: Key) -> dict[str, str]:
    return {"account": key.account} if key.account else {}
