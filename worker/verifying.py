"""Trying out accounts: connect, secure, log in, take leave; nothing is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks.deadline import Deadline
from tasks.failures import Failure
from tasks.smtp.transport import SmtpTransport
from worker.composition import router

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.delivery.accounts import Account
    from tasks.smtp.verification import Verification
    from worker.settings import Settings

_AT_A_TIME: Final = 8


class NoSuchAccount(LookupError):
    """An account that is not configured; the text names those that are."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of trying out *account*: the facts of a session, or why there was none."""

    account: Account
    outcome: Verification | Failure

    @property
    def is_usable(self) -> bool:
        """Whether a session came about, login included."""
        return not isinstance(self.outcome, Failure)


def chosen(settings: Settings, names: Iterable[str]) -> tuple[Account, ...]:
    """
    Return the accounts called *names*, or all of them for none.

    Raises:
        NoSuchAccount: one is not configured, or none at all.
    """
    configured = settings.accounts
    if not configured:
        raise NoSuchAccount("no account is configured: set POSTROOM_ACCOUNTS__default__HOST and the rest")
    wanted = tuple(dict.fromkeys(names)) or tuple(configured)
    for name in wanted:
        if name not in configured:
            raise NoSuchAccount(f"there is no account {name!r}; configured: {', '.join(sorted(configured))}")
    return tuple(configured[name] for name in wanted)


def verify(settings: Settings, accounts: Iterable[Account], *, timeout: float) -> list[Report]:
    """Try out *accounts* side by side, at most *timeout* seconds each; return their reports, in order."""

    def report(account: Account) -> Report:
        try:
            route = routes.route_of(account)
            return Report(account, SmtpTransport().verify(route, Deadline.after(timeout)))
        except Failure as failure:
            return Report(account, failure)

    routes = router(settings)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        return list(threads.map(report, accounts))
