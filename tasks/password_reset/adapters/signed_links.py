"""Links that carry their own proof, for programs that have no tokens of their own yet."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from pydantic import SecretStr

if TYPE_CHECKING:
    from tasks.password_reset.ports import User

_SALT: Final = "postroom.password-reset"
#: Bytes of chance in each link, so that no two are equal and a program can note which were used.
_NONCE_BYTES: Final = 16
#: Characters of the shortest secret: 128 bits in hexadecimal digits.
_SHORTEST_SECRET: Final = 32


class SignedLinks:
    """
    Issues links `<base>/<token>`; the token names the user, is signed with *secret* and expires.

    The program behind *base* calls `read` with the same secret, and must do what a signature cannot: refuse
    a nonce that it has seen, and a stamp that is no longer the user's. The base comes from the settings
    only, never from a request, and is https unless it is this machine.

    Raises:
        ValueError: the base or the secret cannot be used; the secret is not repeated.
    """

    def __init__(self, base: str, secret: SecretStr) -> None:
        parts = urlsplit(base)
        if not parts.hostname or parts.scheme not in {"https", "http"} or parts.query or parts.fragment:
            raise ValueError(
                "the base of links must be an address such as https://accounts.example.org/reset"
            )
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("the base of links must be https; http is for this machine only")
        if len(secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"the secret of links must have at least {_SHORTEST_SECRET} characters")
        self._base = base.rstrip("/")
        self._serializer = URLSafeTimedSerializer(secret.get_secret_value(), salt=_SALT)

    def issue(self, user: User, ttl: int, *, timeout: float) -> SecretStr:  # noqa: ARG002 - signing takes no time
        """Return a link of *user* for *ttl* seconds."""
        claims = {
            "user": user.reference,
            "stamp": user.stamp,
            "ttl": ttl,
            "nonce": secrets.token_urlsafe(_NONCE_BYTES),
        }
        token = self._serializer.dumps(claims)
        return SecretStr(f"{self._base}/{quote(str(token), safe='')}")

    def probe(self, *, timeout: float) -> str:  # noqa: ARG002 - the port's
        """Say that there is nothing to try: base and secret were looked at when it was made."""
        return "signs links"

    def read(self, token: str) -> dict[str, str] | None:
        """Return user, stamp and nonce of a token that is genuine and alive; None of any other."""
        try:
            claims, issued = self._serializer.loads(token, return_timestamp=True)
            self._serializer.loads(token, max_age=int(claims["ttl"]))
        except (BadData, LookupError, TypeError, ValueError):
            return None
        return {name: str(claims[name]) for name in ("user", "stamp", "nonce")} if issued else None
