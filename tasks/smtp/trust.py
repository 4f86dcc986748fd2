"""Which certificates a route accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerTrust:
    """
    What a server's certificate is checked against (contract, section 3, smtp_ssl_trust).

    With *sha256_pins* (hexadecimal digests of the DER form) the certificate itself must be one of those, and
    no authority is asked. Else, if *verify*, its chain must end at an authority of *ca_file*, which replaces
    the system's, or of the system, and its names must cover the host. Else any certificate will do.
    """

    verify: bool = True
    ca_file: Path | None = None
    sha256_pins: frozenset[str] = frozenset()

    @property
    def is_checked(self) -> bool:
        """Whether a stranger's certificate is refused."""
        return self.verify or bool(self.sha256_pins)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The certificate that this side shows to the server: PEM files."""

    cert_file: Path
    key_file: Path | None = None
