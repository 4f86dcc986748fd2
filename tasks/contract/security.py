"""The three ways in which a connection to a mail server is protected."""

from __future__ import annotations

from enum import Enum


class Security(Enum):
    """Transport security of a session; the wire spells it null, "TLS" and "SSL" (contract, section 3)."""

    NONE = None
    STARTTLS = "TLS"
    IMPLICIT_TLS = "SSL"

    @property
    def default_port(self) -> int:
        """The port that speaks this mode by convention (RFC 5321, RFC 6409, RFC 8314)."""
        return {Security.NONE: 25, Security.STARTTLS: 587, Security.IMPLICIT_TLS: 465}[self]
