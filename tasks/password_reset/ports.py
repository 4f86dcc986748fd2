"""
What joins password resets to whoever knows the users: a directory, and an issuer of links.

Postroom has no user table and no tokens of its own. An adapter is any class with these methods; it may be
slow or away, but it must not take longer than it is told.

An adapter may also have a method `probe(*, timeout)`, as `Probed` describes it, for `postroom doctor` and for
the check when a worker starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pydantic import SecretStr

#: Whom nobody is called: what adapters are tried with.
NOBODY: Final = "postroom-doctor"


@dataclass(frozen=True, slots=True)
class User:
    """
    Somebody with an account.

    *reference* is what the directory and the issuer know them by; *address* the one on file, None where there
    is none; *locale* their language, None where it is not known. A link is issued only for one who is active
    and whose address is verified. *stamp* changes with the password, for issuers that bind links to it.
    """

    reference: str = field(repr=False)
    address: str | None = field(default=None, repr=False)
    name: str = field(default="", repr=False)
    locale: str | None = None
    is_active: bool = True
    is_verified: bool = True
    stamp: str = field(default="", repr=False)


class Unreachable(Exception):
    """A directory or an issuer could not be asked, and may be later; the text names nobody."""


class Unusable(Exception):
    """
    What a trial found wrong with an adapter, and what mends it; neither holds a secret.

    Where it *is_certain*, nothing will work before that is mended; else it may be gone in a moment.
    """

    def __init__(self, found: str, remedy: str, *, is_certain: bool = True) -> None:
        super().__init__(found)
        self.found = found
        self.remedy = remedy
        self.is_certain = is_certain


class Directory(Protocol):
    """Whoever knows the users."""

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        """
        Return the user that *identifier* stands for, None where there is none, within *timeout* seconds.

        Raises:
            Unreachable: the directory cannot be asked now.
        """


class LinkIssuer(Protocol):
    """Whoever makes the links that reset passwords."""

    def issue(self, user: User, ttl: int, *, timeout: float) -> SecretStr:
        """
        Return a link that lets *user*, and nobody else, choose a new password within *ttl* seconds, once.

        Raises:
            Unreachable: the issuer cannot be asked now.
        """


class Probed(Protocol):
    """An adapter that can be tried."""

    def probe(self, *, timeout: float) -> str:
        """
        Try everything that a reset will need, change nothing, and return in a few words what is there.

        Raises:
            Unusable: something is wrong.
        """
