"""Everything that decides which server is spoken to, how, and as whom: the key of the connection pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.contract.security import Security

if TYPE_CHECKING:
    from tasks.smtp.login import Login
    from tasks.smtp.trust import ClientCertificate, ServerTrust


@dataclass(frozen=True, slots=True)
class Route:
    """
    A way to a server. Connections are shared by equal routes only.

    *account* is a name for messages and pauses. *login* None means that no AUTH is ever tried.
    *local_hostname* is the fixed name for EHLO. A login needs checked TLS or a loopback address, unless
    *allow_plaintext_auth*. With *public_only* every address of *host* must be a public one, and exactly the
    checked addresses are connected to.
    """

    account: str
    host: str
    port: int
    security: Security
    trust: ServerTrust
    login: Login | None
    local_hostname: str
    client_certificate: ClientCertificate | None = None
    allow_plaintext_auth: bool = False
    public_only: bool = False

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host} port {self.port}"

    @property
    def is_encrypted(self) -> bool:
        """Whether the session is under TLS before a login or an address is sent."""
        return self.security is not Security.NONE

    @property
    def protects_passwords(self) -> bool:
        """Whether only the right server can read what is sent (contract, section 6)."""
        return self.is_encrypted and self.trust.is_checked
