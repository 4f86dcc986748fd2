"""The two workflows of password resets, for those who ask: by the staff, and by somebody at a public form."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from producers.connections import connect, reaching
from producers.errors import IdempotencyConflict, TooManyResets
from producers.options import parse_lane, parse_option
from producers.outbox import Outbox
from producers.password_reset.limits import Names, ResetLimits, of_requester, of_staff
from tasks.contract.names import Lane
from tasks.contract.password_reset import DEFAULT_TEMPLATE, DEFAULT_TTL, parse_password_reset
from tasks.journal.audit import RETENTION, Asked, Audit
from tasks.journal.limits import Limits
from tasks.journal.records import Acceptance
from tasks.journal.sealing import seal_with
from tasks.journal.sealing_keys import as_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from tasks.contract.password_reset import PasswordReset
    from tasks.journal.audit import Audited
    from tasks.journal.records import Accepted, Record

#: Seconds in which a repeat without ticket or key, by the same actor for the same user, is the same request.
_WINDOW: Final = 600
_WHAT: Final = {"target": "user", "actor": "actor"}


class Resets:
    """
    Asks for password resets: the worker looks the user up, has the link issued and writes the mail.

    ```
    resets = Resets("redis://localhost:6379/0")
    mail_id = resets.for_user("ann", actor="ben", reason="locked out", ticket="T-1042")
    ```

    What becomes of a reset is polled like any mail. Neither address nor link is ever in the queue; whom a
    reset is for can be read in Redis unless there are *sealing_keys* (docs/howto/sealing.md). The record of
    who asked for what is kept for *audit_retention* seconds. One instance serves a process and is safe to
    share between threads. Every method raises `QueueUnavailable` within seconds when the queue is away.

    Raises:
        ValueError: one of the sealing keys is none; it is not shown.
    """

    def __init__(
        self,
        broker_url: str,
        *,
        journal_url: str | None = None,
        sealing_keys: Sequence[str | SecretStr] = (),
        limits: ResetLimits | None = None,
        audit_retention: float = RETENTION,
    ) -> None:
        keys = as_keys(sealing_keys)
        seal = seal_with(keys)
        self._outbox = Outbox(broker_url, journal_url=journal_url, sealing_keys=keys)
        self._redis = connect(journal_url or broker_url)
        self._limits = Limits(self._redis)
        self._audit = Audit(self._redis, seal=seal, retention=audit_retention)
        self._names = Names(seal)
        self._allowed = limits or ResetLimits()

    def for_user(  # noqa: PLR0913 - the inputs of the workflow
        self,
        user: str,
        *,
        actor: str,
        reason: str | None = None,
        ticket: str | None = None,
        ttl: int = DEFAULT_TTL,
        template: str = DEFAULT_TEMPLATE,
        locale: str = "en",
        account: str | None = None,
        idempotency_key: str | None = None,
        lane: Lane | str = Lane.RESET,
        notify: str = "",
    ) -> str:
        """
        Ask for the reset of a specified user's password, on behalf of *actor*, and return the mail's id.

        The same *ticket* for the same user, or without one the same actor within ten minutes, is the same
        request again, unless an *idempotency_key* says otherwise. *ttl* is the lifetime of the link in
        seconds, from when it is sent. That the user is not known shows in the result: the caller is staff.
        *notify* names the API key that is told of the end, if one is.

        Raises:
            InvalidInput: with every error of every field.
            TooManyResets: for this user, or by this actor, within the last hour.
            IdempotencyConflict: the key or the ticket belongs to a reset with other parameters.
            QueueUnavailable: the queue is away.
        """
        reset = parse_password_reset(
            {
                "workflow": "specified",
                "user": user,
                "actor": actor,
                "reason": reason,
                "ticket": ticket,
                "ttl": ttl,
                "template": template,
                "locale": locale,
                "account": account,
                "idempotency_key": idempotency_key,
            }
        )
        used = reset.model_copy(update={"idempotency_key": idempotency_key or self._key(reset)})
        self._allow(used)
        accepted = self._hand_in(used, parse_option("lane", lane, parse_lane), notify=notify)
        if accepted.outcome is Acceptance.CONFLICT:
            raise IdempotencyConflict(accepted.mail_id)
        return accepted.mail_id

    def for_requester(
        self, identifier: str, *, source: str, locale: str = "en", account: str | None = None
    ) -> str:
        """
        Take a request from a public form in, and return an opaque id.

        The answer, and the work, are the same whether there is such a user or not, and whether a limit was
        reached or not: the worker decides, and drops what was over a limit. So nobody who is not staff may
        poll the id. *source* is where the request came from, such as an IP address; it is kept as a keyed
        hash only.

        Raises:
            InvalidInput: with every error of every field.
            QueueUnavailable: the queue is away.
        """
        hashed = self._names.of("reset-source", source)
        asked = {"workflow": "requester", "user": identifier, "source": hashed, "locale": locale}
        reset = parse_password_reset({**asked, "account": account})
        known_as = self._names.of("reset-account", reset.user.casefold())
        with reaching():
            full = self._limits.take(
                str(uuid.uuid4()), of_requester(self._allowed, account=known_as, source=hashed)
            )
        marked = reset.model_copy(update={"is_throttled": full is not None})
        return self._hand_in(marked, Lane.RESET).mail_id

    def completed(
        self, user: str, *, locale: str = "en", account: str | None = None, notify: str = ""
    ) -> str:
        """
        Tell a user that their password was changed, and return the mail's id; *notify* as for `for_user`.

        Raises:
            InvalidInput: with every error of every field.
            QueueUnavailable: the queue is away.
        """
        asked = {"workflow": "completed", "user": user, "locale": locale, "account": account}
        return self._hand_in(parse_password_reset(asked), Lane.RESET, notify=notify).mail_id

    def for_rows(self, rows: Sequence[tuple[str, PasswordReset]], *, lane: Lane = Lane.BULK) -> None:
        """
        Ask for many resets, each under the mail id that stands before it; one that exists already stays.

        Limits do not count here: a batch has a pace of its own.

        Raises:
            QueueUnavailable: the queue is away; some may have been taken in, so ask again for all.
        """
        with reaching():
            for mail_id, reset in rows:
                self._audit.note(replace(_asked(mail_id, reset), workflow="batch"))
        self._outbox.hand_in(
            [reset for _, reset in rows], lane=lane, mail_ids=[mail_id for mail_id, _ in rows]
        )

    def look_up(self, mail_ids: Sequence[str]) -> list[Record | None]:
        """
        Return what is known about resets, None for one that does not exist or is forgotten.

        Raises:
            QueueUnavailable: the queue is away.
        """
        return self._outbox.look_up(mail_ids)

    def cancel(self, mail_id: str) -> None:
        """
        Cancel a reset if it waits; whether it did, its record tells.

        Raises:
            QueueUnavailable: the queue is away.
        """
        self._outbox.cancel(mail_id)

    def audit(
        self,
        *,
        actor: str | None = None,
        target: str | None = None,
        ticket: str | None = None,
        most: int = 100,
    ) -> list[Audited]:
        """
        Return what was asked for, newest first: everything, or what is by, for or under the given.

        Raises:
            QueueUnavailable: the queue is away.
        """
        with reaching():
            return self._audit.find(actor=actor, target=target, ticket=ticket, most=most)

    def close(self) -> None:
        """Close the connections."""
        self._outbox.close()
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _key(self, reset: PasswordReset) -> str:
        target = self._names.of("reset-target", reset.user.casefold())
        occasion = reset.ticket or f"{reset.actor} {int(time.time()) // _WINDOW}"
        return f"reset/{self._names.of('reset-occasion', f'{occasion} {target}')}"

    def _allow(self, reset: PasswordReset) -> None:
        limits = of_staff(
            self._allowed,
            target=self._names.of("reset-target", reset.user.casefold()),
            actor=self._names.of("reset-actor", reset.actor or ""),
        )
        with reaching():
            full = self._limits.take(str(reset.idempotency_key), limits)
        if full:
            raise TooManyResets(_WHAT[full.limit.name.partition(":")[0]], full.wait)

    def _hand_in(self, reset: PasswordReset, lane: Lane, *, notify: str = "") -> Accepted:
        mail_id = str(uuid.uuid4())
        # Written down before: a reset without a record is worse than a record without a reset.
        with reaching():
            self._audit.note(_asked(mail_id, reset))
        [accepted] = self._outbox.hand_in([reset], lane=lane, mail_ids=[mail_id], notify=[notify])
        if accepted.mail_id != mail_id:
            with reaching():
                self._audit.strike(mail_id)
        return accepted


def _asked(mail_id: str, reset: PasswordReset) -> Asked:
    return Asked(mail_id, reset.workflow, reset.user, reset.actor, reset.reason, reset.ticket)
