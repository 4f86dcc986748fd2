"""Sources of OAuth access tokens: client credentials, a refresh token, or a command."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure
from tasks.smtp.faults import time_over
from tasks.smtp.token_request import request_token
from tasks.smtp.tokens import Token, TokenCache

if TYPE_CHECKING:
    from tasks.deadline import Deadline
    from tasks.smtp.login import SecretSource
    from tasks.smtp.refresh_tokens import RefreshTokens

_LONGEST_OUTPUT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """
    Tokens for a client that acts for itself (RFC 6749, section 4.4), as Microsoft 365 wants it.

    One instance keeps one token; so an account has one instance for all its logins.
    """

    token_url: str
    client_id: str
    client_secret: SecretSource
    scope: str
    _cache: TokenCache = field(default_factory=TokenCache, repr=False, compare=False)

    @property
    def gives_tokens(self) -> bool:
        """True."""
        return True

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        """
        Return an access token.

        Raises:
            Failure: none could be had, for now or for good.

        """
        return self._cache.get(self._fetch, deadline, fresh=fresh)

    def _fetch(self, deadline: Deadline) -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret.secret(deadline).get_secret_value(),
            "scope": self.scope,
        }
        return request_token(self.token_url, form, deadline)[0]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """
    Tokens for a user who once consented (RFC 6749, section 6), as Google and personal accounts want it.

    Many providers answer with a new refresh token, which takes the place of the old one in *refresh_tokens*.
    """

    token_url: str
    client_id: str
    refresh_tokens: RefreshTokens
    client_secret: SecretSource | None = None
    scope: str | None = None
    _cache: TokenCache = field(default_factory=TokenCache, repr=False, compare=False)

    @property
    def gives_tokens(self) -> bool:
        """True."""
        return True

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        """
        Return an access token.

        Raises:
            Failure: none could be had, for now or for good.

        """
        return self._cache.get(self._fetch, deadline, fresh=fresh)

    def _fetch(self, deadline: Deadline) -> Token:
        with self.refresh_tokens.held(deadline) as held:
            try:
                token, renewed = self._exchange(held.newest, deadline)
            except PermanentFailure:
                # What was given may be newer than what was renewed here.
                given = held.given()
                if given == held.newest:
                    raise
                token, renewed = self._exchange(given, deadline)
            if renewed:
                held.replace(SecretStr(renewed))
            return token

    def _exchange(self, refresh_token: SecretStr, deadline: Deadline) -> tuple[Token, str | None]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "refresh_token": refresh_token.get_secret_value(),
        }
        if self.client_secret:
            form["client_secret"] = self.client_secret.secret(deadline).get_secret_value()
        if self.scope:
            form["scope"] = self.scope
        token, renewed = request_token(self.token_url, form, deadline)
        return token, None if renewed == refresh_token.get_secret_value() else renewed


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """
    The first line that a command prints: a password from a vault, or with *gives_tokens* an access token.

    It is run without a shell, and again after *lifetime* seconds or where the server refused what it gave.
    """

    arguments: tuple[str, ...] = field(repr=False)
    gives_tokens: bool = True
    lifetime: float = 300.0
    _cache: TokenCache = field(default_factory=TokenCache, repr=False, compare=False)

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        """
        Return what the command prints.

        Raises:
            Failure: it cannot be run, fails, prints nothing, or takes too long.

        """
        return self._cache.get(self._fetch, deadline, fresh=fresh)

    def _fetch(self, deadline: Deadline) -> Token:
        try:
            done = subprocess.run(  # noqa: S603  # the operator's own command, without a shell
                self.arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(deadline.remaining, 0.001),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise time_over(Phase.AUTH, "the account's secret command") from None
        except OSError:
            raise _failed("cannot be run", is_transient=False) from None
        first, _, _ = done.stdout[:_LONGEST_OUTPUT].decode("utf-8", "replace").partition("\n")
        if done.returncode or not first.strip():
            raise _failed(f"ended with status {done.returncode}", is_transient=True)
        return Token(SecretStr(first.strip()), self.lifetime)


def _failed(what: str, *, is_transient: bool) -> Failure:
    kind = TransientFailure if is_transient else PermanentFailure
    return kind(Reply(LocalCode.LOGIN_IMPOSSIBLE, f"The account's secret command {what}."), Phase.AUTH)
