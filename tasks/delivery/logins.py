"""How an account logs in: with a password, or with an OAuth token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.delivery.oauth import given_secret
from tasks.smtp.login import Login
from tasks.smtp.oauth import CommandSecret

if TYPE_CHECKING:
    from tasks.delivery.accounts import Account
    from tasks.smtp.login import SecretSource


def login_of(account: Account) -> Login | None:
    """Return how *account* logs in, None where it does not; it keeps its token, so make it once."""
    if not account.logs_in or not account.user_name:
        return None
    source = account.oauth.source() if account.oauth else _password(account)
    return Login(account.user_name, account.mechanism, source) if source else None


def _password(account: Account) -> SecretSource | None:
    if account.password_command:
        return CommandSecret(account.password_command, gives_tokens=False)
    return given_secret(account.password, account.password_file)
