"""Who logs in, by which mechanism, and where the secret comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import SecretStr

    from tasks.deadline import Deadline


class Mechanism(StrEnum):
    """SASL mechanisms; AUTO takes PLAIN or LOGIN, or for a source of tokens XOAUTH2 or OAUTHBEARER."""

    AUTO = "AUTO"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    CRAM_MD5 = "CRAM-MD5"
    XOAUTH2 = "XOAUTH2"
    OAUTHBEARER = "OAUTHBEARER"

    @property
    def takes_token(self) -> bool:
        """Whether the secret is an OAuth access token."""
        return self in {Mechanism.XOAUTH2, Mechanism.OAUTHBEARER}


class SecretSource(Protocol):
    """
    Where a password or token comes from.

    A source is hashable and its repr shows no secret. *gives_tokens* says what it gives.
    """

    @property
    def gives_tokens(self) -> bool:
        """Whether the secret is an OAuth access token."""
        ...

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:
        """
        Return the secret; *fresh* after the server refused the last one.

        Raises:
            Failure: it cannot be had now, or at all.

        """
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is tried on every new connection of a route."""

    user_name: str
    mechanism: Mechanism
    secret: SecretSource

    @property
    def preference(self) -> tuple[Mechanism, ...]:
        """The mechanisms that may be used, best first."""
        if self.mechanism is not Mechanism.AUTO:
            return (self.mechanism,)
        if self.secret.gives_tokens:
            return (Mechanism.XOAUTH2, Mechanism.OAUTHBEARER)
        return (Mechanism.PLAIN, Mechanism.LOGIN)
