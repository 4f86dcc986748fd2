"""Accounts, sealing keys and Flower's login: set, and protected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.contract.security import Security
from tasks.journal.sealing_keys import FILE_SETTING, KEYS_SETTING
from worker.doctor.files import is_for_everybody, secret_file
from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.delivery.accounts import Account
    from worker.settings import Settings

#: The fields of an account that name a file with a secret, those of its OAuth, and those of password resets.
_FILES: Final = ("password_file", "client_key")
_OAUTH_FILES: Final = ("token_file", "client_secret_file", "refresh_token_file")
_RESET_FILES: Final = ("token_file", "link_secret_file", "keycloak_client_secret_file")
_ENVIRONMENT_FILE: Final = Path(".env")


def sealing(settings: Settings) -> Finding:
    """Return whether parameters are sealed; a key that is none was refused with the settings."""
    if not settings.seal_keys:
        found = "parameters are not sealed: whoever reads Redis or its backups reads the mail that waits"
        remedy = f"`postroom sealing-key` prints a key for {KEYS_SETTING}; producers need it too"
        return Finding("sealing", KEYS_SETTING, Status.ERROR, found, remedy)
    plain = "" if settings.require_sealed else "; plain parameters are taken, too"
    return Finding("sealing", KEYS_SETTING, Status.OK, f"{len(settings.seal_keys)} usable{plain}")


def secret_files(settings: Settings, *, is_container: bool) -> Iterator[Finding]:
    """Yield what is to be said about every file that holds a secret."""
    for setting, path in _named(settings):
        yield secret_file(setting, path, is_container=is_container)
    if _ENVIRONMENT_FILE.is_file() and not is_container and is_for_everybody(_ENVIRONMENT_FILE):
        found = "everybody on this machine may read the settings, passwords among them"
        yield Finding("secret-file", ".env", Status.ERROR, found, "`chmod 600 .env`")


def _named(settings: Settings) -> Iterator[tuple[str, Path]]:
    if settings.sealing_keys_file:
        yield FILE_SETTING, settings.sealing_keys_file
    for name in _RESET_FILES:
        if path := getattr(settings.resets, name):
            yield f"POSTROOM_RESETS__{name.upper()}", path
    for account in settings.accounts.values():
        prefix = f"POSTROOM_ACCOUNTS__{account.name}__"
        for name in _FILES:
            if path := getattr(account, name):
                yield prefix + name.upper(), path
        for name in _OAUTH_FILES:
            if path := getattr(account.oauth, name, None):
                yield f"{prefix}OAUTH__{name.upper()}", path


def accounts(settings: Settings) -> Iterator[Finding]:
    """Yield what is to be said about the accounts without trying them."""
    names = ", ".join(sorted(settings.accounts))
    if not names:
        found = "no account is configured: no mail can be sent"
        remedy = "set POSTROOM_ACCOUNTS__default__HOST and the rest (docs/howto/accounts.md)"
        yield Finding("accounts", "accounts", Status.ERROR, found, remedy)
        return
    if settings.default_account in settings.accounts:
        tried = f"{names}; `postroom verify` tries them"
        yield Finding("accounts", "accounts", Status.OK, tried)
    else:
        found = f"{settings.default_account!r} is none of {names}: mails that name no account are refused"
        remedy = "name one of them in POSTROOM_DEFAULT_ACCOUNT"
        yield Finding("accounts", "accounts", Status.WARNING, found, remedy)
    for account in settings.accounts.values():
        yield _protection(account)


def _protection(account: Account) -> Finding:
    subject, prefix = f"account {account.name}", f"POSTROOM_ACCOUNTS__{account.name}__"
    if account.logs_in and account.security is Security.NONE and account.allow_plaintext_auth:
        found = "its password goes unencrypted to whatever answers"
        remedy = f"{prefix}SECURITY=TLS, and {prefix}ALLOW_PLAINTEXT_AUTH=false"
        return Finding("account", subject, Status.WARNING, found, remedy)
    if account.allow_unverified_tls:
        found = "messages may name servers whose certificates are not verified"
        remedy = f"{prefix}ALLOW_UNVERIFIED_TLS=false, and pin certificates by sha256:<hex>"
        return Finding("account", subject, Status.WARNING, found, remedy)
    return Finding("account", subject, Status.OK, "its settings weaken nothing")


def flower(problem: str | None) -> Finding:
    """Return what is to be said about Flower's login, of which *problem* tells what is wrong."""
    if problem is None:
        return Finding("flower", "Flower", Status.OK, "a login is needed")
    found = f"Flower does not start here: {problem.partition(': ')[0]}"
    remedy = "FLOWER_BASIC_AUTH=<user>:<12 letters or more>, where Flower runs"
    return Finding("flower", "Flower", Status.WARNING, found, remedy)
