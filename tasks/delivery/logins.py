"""How an account logs in: with a password, or with an OAuth token from one of several sources."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, field_validator, model_validator

from tasks.smtp.login import Login
from tasks.smtp.oauth import ClientCredentials, CommandSecret, RefreshToken
from tasks.smtp.secret_sources import FileSecret, StaticSecret
from tasks.smtp.token_request import is_safe

if TYPE_CHECKING:
    from tasks.delivery.accounts import Account
    from tasks.smtp.login import SecretSource

#: What the big providers' accounts have in common (docs/howto/microsoft-365-and-gmail.md).
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "microsoft365": {
        "host": "smtp.office365.com",
        "port": 587,
        "security": "TLS",
        "oauth": {
            "token_url": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "scope": "https://outlook.office365.com/.default",
        },
    },
    "gmail": {
        "host": "smtp.gmail.com",
        "port": 587,
        "security": "TLS",
        "oauth": {"token_url": "https://oauth2.googleapis.com/token"},
    },
}


def with_preset(account: Any) -> Any:
    """Return the fields of an account with those of its preset where it has none of its own."""
    if not isinstance(account, Mapping) or account.get("preset") not in PRESETS:
        return account
    preset = dict(PRESETS[account["preset"]])
    usual = preset.pop("oauth")
    given = account.get("oauth")
    oauth = {"oauth": {**usual, **given}} if isinstance(given, Mapping) else {}
    return {**preset, **account, **oauth}


def _words(value: object) -> object:
    return tuple(shlex.split(value)) if isinstance(value, str) else value


Command = Annotated[tuple[str, ...], BeforeValidator(_words)]


class OAuth(BaseModel):
    """
    Where access tokens come from (RFC 6749).

    Exactly one of: a *token*, a *token_file* that somebody else renews, a *token_command*, or requests to
    *token_url*, which are for *client_id* itself, or with a refresh token for the user who gave it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr | None = None
    token_file: Path | None = None
    token_command: Command = ()
    token_url: str | None = None
    tenant: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    refresh_token: SecretStr | None = None
    refresh_token_file: Path | None = None
    scope: str | None = None

    @field_validator("token_url")
    @classmethod
    def _keeps_secrets(cls, url: str | None) -> str | None:
        if url is not None and not is_safe(url):
            raise ValueError("must be an https:// URL, since the client's secret is sent there")
        return url

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.token or self.token_file or self.token_command:
            return self
        if not self.token_url or not self.client_id:
            raise ValueError("give token, token_file or token_command, or token_url with client_id")
        if "{tenant}" in self.token_url and not self.tenant:
            raise ValueError("tenant is missing; it is the directory's id or domain")
        if not (self.refresh_token or self.refresh_token_file):
            if not (self.client_secret or self.client_secret_file):
                raise ValueError("give client_secret or refresh_token, or a file with one of them")
            if not self.scope:
                raise ValueError("scope is missing; the provider's documentation names it")
        return self

    def source(self) -> SecretSource:
        """Return the source of tokens that this describes; it keeps its token, so make it once."""
        if self.token_command:
            return CommandSecret(self.token_command)
        given = _secret(self.token, self.token_file, gives_tokens=True)
        if given:
            return given
        url = (self.token_url or "").format(tenant=self.tenant)
        client_secret = _secret(self.client_secret, self.client_secret_file)
        refresh_token = _secret(self.refresh_token, self.refresh_token_file)
        if refresh_token:
            return RefreshToken(url, self.client_id or "", refresh_token, client_secret, self.scope)
        if client_secret is None:
            raise ValueError("client_secret is missing")
        return ClientCredentials(url, self.client_id or "", client_secret, self.scope or "")


def login_of(account: Account) -> Login | None:
    """Return how *account* logs in, None where it does not; it keeps its token, so make it once."""
    if not account.logs_in or not account.user_name:
        return None
    source = account.oauth.source() if account.oauth else _password(account)
    return Login(account.user_name, account.mechanism, source) if source else None


def _password(account: Account) -> SecretSource | None:
    if account.password_command:
        return CommandSecret(account.password_command, gives_tokens=False)
    return _secret(account.password, account.password_file)


def _secret(value: SecretStr | None, file: Path | None, *, gives_tokens: bool = False) -> SecretSource | None:
    if value is not None:
        return StaticSecret(value, gives_tokens)
    return FileSecret(file, gives_tokens) if file else None
