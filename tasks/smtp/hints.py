"""One sentence that tells the reader what to do, where the cause is likely to be known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.contract.security import Security

if TYPE_CHECKING:
    from tasks.failures import Reply
    from tasks.smtp.route import Route

#: The port that speaks TLS from the first byte by convention (RFC 8314).
IMPLICIT_TLS_PORT: Final = 465

_REPLY_HINTS: Final = (
    (
        re.compile(r"basic authentication is (?:not supported|disabled)|5\.7\.30|5\.7\.139", re.IGNORECASE),
        "The server no longer takes passwords: give the account an OAuth token source (XOAUTH2).",
    ),
    (
        re.compile(r"application-specific password|5\.7\.9\b", re.IGNORECASE),
        "The server asks for an app password or an OAuth token instead of the account's password.",
    ),
    (
        re.compile(r"5\.7\.57|client (?:was )?not authenticated", re.IGNORECASE),
        "The server wants a login: give the account a user name and a password or token.",
    ),
    (
        re.compile(r"5\.7\.60|send as|sendas", re.IGNORECASE),
        "The login may not send as this sender: grant it, or change the account's sender.",
    ),
    (
        re.compile(r"must issue a starttls|starttls (?:is )?required", re.IGNORECASE),
        "The server wants encryption: use TLS (STARTTLS).",
    ),
    (
        re.compile(r"gr[ea]ylist", re.IGNORECASE),
        "The server greylists: it takes the mail some minutes later, so a longer Timeout helps.",
    ),
)
_BAD_LOGIN: Final = "Check the account's user name and password."
_LOGIN_REFUSED: Final = 535


def for_reply(reply: Reply) -> str:
    """Return what to do about a server's refusal, or an empty text."""
    text = f"{reply.enhanced_status or ''} {reply.text}"
    for pattern, hint in _REPLY_HINTS:
        if pattern.search(text):
            return hint
    return _BAD_LOGIN if reply.code == _LOGIN_REFUSED else ""


def for_silence(route: Route) -> str:
    """Return what to do where a server that was spoken to without TLS does not greet."""
    if route.security is Security.IMPLICIT_TLS:
        return ""
    if speaks_implicit_tls(route):
        return f"Port {route.port} speaks implicit TLS: use SSL."
    return f"If port {route.port} speaks implicit TLS, use SSL."


def for_no_tls(route: Route) -> str:
    """Return what to do where a server answers the TLS hello with something else."""
    if route.security is Security.IMPLICIT_TLS:
        return f"Port {route.port} speaks plain SMTP first: use TLS (STARTTLS)."
    return ""


def for_missing_starttls(route: Route) -> str:
    """Return what to do where the server does not offer STARTTLS."""
    return f"Check that {route.host} port {route.port} is the submission port, or use SSL on port 465."


def speaks_implicit_tls(route: Route) -> bool:
    """Whether the port is the one that speaks TLS from the first byte by convention (RFC 8314)."""
    return route.port == IMPLICIT_TLS_PORT
