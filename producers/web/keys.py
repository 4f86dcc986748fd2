"""API keys: who may hand in mails over HTTP, and what each of them may do."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from producers.web.webhook import Webhook
from tasks.contract.limits import MAX_ACCOUNT
from tasks.contract.names import Lane

#: What every key begins with, so that scanners for leaked secrets find it.
PREFIX: Final = "pr"

_TOKEN: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})")
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32


class ResetRight(StrEnum):
    """
    What a key may do with password resets.

    Ask for those of specified users, or of whoever filled in a public form; tell users that a password was
    changed; read the record of all of them.
    """

    USERS = "users"
    REQUESTS = "requests"
    COMPLETED = "completed"
    AUDIT = "audit"


class Key(BaseModel):
    """
    An API key as it is stored: a digest of its secret, and what it may do.

    *account* binds it to one account of the worker. Senders are addresses, "@domain" or "*"; without any,
    the account decides. *rate* is in requests a second (a mail of a batch counts as one), which may come in
    bursts of *burst*. Its *webhook* is told of its mails' ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    name: str = Field(min_length=1, max_length=64)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    created_at: datetime
    revoked_at: datetime | None = None
    account: str | None = Field(default=None, max_length=MAX_ACCOUNT)
    allowed_senders: tuple[str, ...] = ()
    allowed_recipient_domains: tuple[str, ...] = ()
    blocked_recipient_domains: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = Field(default=tuple(Lane), min_length=1)
    resets: tuple[ResetRight, ...] = ()
    rate: float = Field(default=100.0, gt=0, le=1_000_000)
    burst: int = Field(default=200, ge=1, le=1_000_000)
    webhook: Webhook | None = None

    def matches(self, secret: str) -> bool:
        """Whether *secret* is this key's, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(self.digest, digest_of(secret)) and self.revoked_at is None

    @property
    def notify(self) -> str:
        """Who is told of its mails' ends, as the journal has it; empty for nobody."""
        return self.id if self.webhook else ""

    def lane_for(self, wanted: Lane) -> Lane:
        """Return the lane of mails that name none: *wanted* where it is allowed, else the first that is."""
        return wanted if wanted in self.lanes else self.lanes[0]


class Token(NamedTuple):
    """The two parts of a key as its holder has it."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Token({self.key_id})"

    def __str__(self) -> str:
        return f"{PREFIX}_{self.key_id}_{self.secret}"


def new_token() -> Token:
    """Return a new random token; its secret has 256 bits."""
    return Token(secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES))


def read_token(text: str) -> Token | None:
    """Return the parts of *text*, None where it has not the form of a key."""
    found = _TOKEN.fullmatch(text)
    return Token(found[1], found[2]) if found else None


def digest_of(secret: str) -> str:
    """Return what is stored in place of *secret* (docs/decisions: why no slow hash)."""
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def now() -> datetime:
    """Return the moment in whole seconds, as key files have it."""
    return datetime.now(UTC).replace(microsecond=0)
