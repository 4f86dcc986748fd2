"""What a scripted server offers its clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    Extensions, encryption and users of a server.

    *extensions* are lines of the answer to EHLO; *extensions_under_tls* take their place once TLS is on.
    STARTTLS is offered where there is a *context*, unless that serves *implicit_tls*. *users* maps names to
    passwords or tokens; where it is not empty, MAIL needs a login (announce AUTH with its mechanisms too).
    """

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    extensions_under_tls: tuple[str, ...] | None = None
    context: ssl.SSLContext | None = None
    implicit_tls: bool = False
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    def announced(self, *, is_secured: bool) -> tuple[str, ...]:
        """Return the extensions as announced in clear or under TLS."""
        if is_secured:
            return self.extensions if self.extensions_under_tls is None else self.extensions_under_tls
        return (*self.extensions, "STARTTLS") if self.context else self.extensions

    @property
    def pipelines(self) -> bool:
        """Whether commands may come before the replies to those before."""
        return "PIPELINING" in (*self.extensions, *(self.extensions_under_tls or ()))
