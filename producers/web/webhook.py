"""The webhook of an API key: where the ends of its mails are told, of which of them, signed with what."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializationInfo,
    field_serializer,
    field_validator,
)

from tasks.contract.status import MailState

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a signing secret begins with; the rest is base64 (Standard Webhooks 1.0).
PREFIX: Final = "whsec_"
#: The states in which a mail has ended.
ENDS: Final = tuple(state for state in MailState if state.is_terminal)
#: In the context of a dump: secrets are written out, for the file that holds them.
REVEALING: Final = {"reveals_secrets": True}

_SECRET_BYTES: Final = 32
#: The least that the specification allows.
_FEWEST_BYTES: Final = 24
_LONGEST_URL: Final = 2000
#: Two secrets sign after a rotation, and a third may still while a mistake is put right.
_MOST_SECRETS: Final = 3
_WHAT: Final = "must be an https:// address; http:// is for this machine only"


class SigningSecret(BaseModel):
    """A secret that signs, for ever or *until* a moment."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    secret: SecretStr
    until: datetime | None = None

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, secret: SecretStr) -> SecretStr:
        if not secret.get_secret_value().startswith(PREFIX) or len(bytes_of(secret)) < _FEWEST_BYTES:
            raise ValueError(f"must be {PREFIX} and {_FEWEST_BYTES} bytes or more in base64")
        return secret

    @field_serializer("secret", when_used="json")
    def _write(self, secret: SecretStr, info: SerializationInfo) -> str:
        reveals = isinstance(info.context, dict) and info.context.get("reveals_secrets") is True
        return secret.get_secret_value() if reveals else str(secret)


class Webhook(BaseModel):
    """
    Where an API key's holder is told of its mails' ends, of which *states*.

    The first of *secrets* is the newest; all that have not run out sign.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(max_length=_LONGEST_URL, repr=False)
    states: tuple[MailState, ...] = Field(default=ENDS, min_length=1)
    secrets: tuple[SigningSecret, ...] = Field(min_length=1, max_length=_MOST_SECRETS)

    @field_validator("url")
    @classmethod
    def _is_usable(cls, url: str) -> str:
        check_url(url)
        return url

    @field_validator("states")
    @classmethod
    def _are_ends(cls, states: tuple[MailState, ...]) -> tuple[MailState, ...]:
        if not all(state.is_terminal for state in states):
            raise ValueError(f"only final states are told: {', '.join(ENDS)}")
        return tuple(dict.fromkeys(states))

    @field_validator("secrets")
    @classmethod
    def _sign_for_ever(cls, secrets: tuple[SigningSecret, ...]) -> tuple[SigningSecret, ...]:
        if secrets[0].until is not None:
            raise ValueError("the first secret must not run out: nothing would be signed any more")
        return secrets

    @property
    def fingerprint(self) -> str:
        """What stands for the address where it may be read: it may hold a token."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def signing(self, now: datetime) -> tuple[SecretStr, ...]:
        """Return the secrets that sign at the moment *now*."""
        return tuple(each.secret for each in self.secrets if each.until is None or each.until > now)

    def rotated(self, now: datetime, *, keep: timedelta, make: Callable[[], SecretStr]) -> Webhook:
        """Return it with a new secret, beside which those until now sign for *keep* longer at most."""
        last = now + keep
        kept = [
            each.model_copy(update={"until": min(each.until or last, last)})
            for each in self.secrets
            if keep and (each.until is None or each.until > now)
        ]
        chosen = (SigningSecret(secret=make()), *kept)[:_MOST_SECRETS]
        return self.model_copy(update={"secrets": chosen})


def new_secret() -> SecretStr:
    """Return a new random signing secret of 256 bits."""
    return SecretStr(PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii"))


def bytes_of(secret: SecretStr) -> bytes:
    """
    Return the key that *secret* stands for.

    Raises:
        ValueError: it stands for none; it is not repeated.
    """
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f"must be {PREFIX} and base64") from None


def check_url(url: str) -> None:
    """
    Check that *url* may be posted to.

    Raises:
        ValueError: it may not; it is not repeated.
    """
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        raise ValueError(_WHAT) from None
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not url.isascii():
        raise ValueError("must be ASCII: write other names as xn--…, and percent-encode the rest")
    if not host or not has_port or not is_safe or not url.isprintable() or " " in url:
        raise ValueError(_WHAT)
    if "@" in parts.netloc:
        raise ValueError("must have no login; deliveries are signed, which proves more")
    if parts.fragment or url.endswith("#"):
        raise ValueError("must have no fragment (#…): it would not be sent")


def is_loopback(host: str) -> bool:
    """Whether *host* names this machine, and no name service decides that."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
