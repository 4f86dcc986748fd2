"""Where the access tokens of an account come from, as the operator configures it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, field_validator, model_validator

from tasks.smtp.oauth import ClientCredentials, CommandSecret, RefreshToken
from tasks.smtp.refresh_tokens import InMemory, TokenFile
from tasks.smtp.secret_sources import FileSecret, StaticSecret
from tasks.smtp.token_request import is_safe

if TYPE_CHECKING:
    from tasks.smtp.login import SecretSource
    from tasks.smtp.refresh_tokens import RefreshTokens


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
        given = given_secret(self.token, self.token_file, gives_tokens=True)
        if given:
            return given
        url = (self.token_url or "").format(tenant=self.tenant)
        client_secret = given_secret(self.client_secret, self.client_secret_file)
        if refresh_tokens := self._refresh_tokens():
            return RefreshToken(url, self.client_id or "", refresh_tokens, client_secret, self.scope)
        if client_secret is None:
            raise ValueError("client_secret is missing")
        return ClientCredentials(url, self.client_id or "", client_secret, self.scope or "")

    def _refresh_tokens(self) -> RefreshTokens | None:
        if self.refresh_token is not None:
            return InMemory(StaticSecret(self.refresh_token))
        return TokenFile(self.refresh_token_file) if self.refresh_token_file else None


def given_secret(
    value: SecretStr | None, file: Path | None, *, gives_tokens: bool = False
) -> SecretSource | None:
    """Return the source of a secret that stands in the configuration or in a file, None without either."""
    if value is not None:
        return StaticSecret(value, gives_tokens)
    return FileSecret(file, gives_tokens) if file else None
