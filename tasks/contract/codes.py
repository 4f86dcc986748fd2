"""Result codes that no server gave, and the phases of an SMTP session."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class LocalCode(IntEnum):
    """
    What decided a mail when no server's reply did.

    The numbers lie above every SMTP reply code, so that a 2yz, 4yz or 5yz in a result is always one that a
    server gave (contract, section 4).
    """

    INVALID_INPUT = 600
    """A parameter was refused; the message names the field."""
    ATTACHMENT = 601
    """An attachment is missing, too big, or not where attachments may lie."""
    POLICY = 602
    """The operator or the server's offer forbids host, port, credential, trust, recipient or size."""
    IDEMPOTENCY_CONFLICT = 603
    """The idempotency key already belongs to a mail with other parameters."""
    DNS = 610
    """The host's name could not be resolved."""
    CONNECT = 611
    """No connection to the server, or it was lost before the final dot."""
    TLS = 612
    """The TLS handshake or the certificate check failed."""
    STARTTLS_MISSING = 613
    """STARTTLS is required and the server does not offer it."""
    PROTOCOL = 614
    """What the server sent is no SMTP reply."""
    LOGIN_IMPOSSIBLE = 615
    """The server offers no AUTH, or no mechanism that both sides know."""
    TIME_OVER = 620
    """The time budget was used up, or the mail expired, before the final dot."""
    WORKER_CRASHES = 630
    """The mail was given up because it ended its worker too often."""
    QUEUE_UNAVAILABLE = 640
    """The queue could not be reached when the mail was submitted."""
    CANCELLED = 650
    """The mail was cancelled before it was sent."""
    UNKNOWN = 690
    """The final dot was sent and no answer came: the mail may have been delivered."""
    INTERNAL = 699
    """An error of this program; the log of the worker has it under the task id."""


class Phase(StrEnum):
    """Where in an SMTP session something ended (contract, section 4)."""

    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    FINAL = "final"
