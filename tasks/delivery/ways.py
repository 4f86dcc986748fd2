"""Which mails probably go to the same server as the same user, told before any of them is validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from tasks.contract.labels import field_of
from tasks.failures import Failure
from tasks.journal.sealing import is_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.delivery.accounts import Account, Accounts
    from tasks.delivery.job import Job
    from tasks.delivery.sealing import SealPolicy

#: An account's name and what a message changes about its server.
Way: TypeAlias = tuple[str, ...]

_CHANGES: Final = ("smtp_host", "smtp_port", "smtp_authentication", "smtp_ssl_trust")
_DECIDING: Final = frozenset({"account", "user_name", *_CHANGES})
_UNREADABLE: Final[Way] = ("",)


class Ways:
    """
    Sorts mails by the way that they will probably go.

    It only decides which mails are carried together and how many at a time; the router decides where a mail
    goes, so a wrong guess costs time and nothing else.
    """

    def __init__(self, accounts: Accounts, sealing: SealPolicy) -> None:
        self._accounts = accounts
        self._sealing = sealing
        every = list(accounts)
        is_one = len(every) == 1 and not every[0].allowed_hosts
        #: The only way that there is, so that no mail need be looked at.
        self._only: Way | None = (every[0].name,) if is_one else None

    def of(self, job: Job) -> Way:
        """Return the way of *job*; never raises."""
        if self._only is not None:
            return self._only
        try:
            parameters = self._sealing.open(job) if is_sealed(job.parameters) else job.parameters
        except Failure:
            return _UNREADABLE
        wanted = {field: value for field, value in _fields(parameters).items() if value not in (None, "")}
        account = self._account(wanted)
        if account is None:
            return _UNREADABLE
        usual = {
            "smtp_host": account.host,
            "smtp_port": str(account.effective_port),
            "smtp_authentication": str(account.security.value).lower(),
        }
        changes = ((field, wanted.get(field, "")) for field in _CHANGES)
        return account.name, *("" if value == usual.get(field) else value for field, value in changes)

    def _account(self, wanted: Mapping[str, str]) -> Account | None:
        if "account" not in wanted and "user_name" in wanted:
            return self._accounts.of_user(wanted["user_name"])
        return self._accounts.named(wanted.get("account"))


def _fields(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return the parameters that decide about the way, whatever they are called; case means nothing here."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        field = field_of(name)
        if field in _DECIDING and isinstance(value, str | int):
            found[field] = (
                str(value).strip() if field in {"account", "user_name"} else str(value).strip().lower()
            )
    return found
