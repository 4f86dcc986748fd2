"""The URL of a gateway and the API key for it, as far as they can be judged before anybody is asked."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from urllib.parse import SplitResult

#: What may stand in a header; keys are made of less.
_KEY: Final = re.compile(r"[!-~]{1,500}")


def parse_address(url: str) -> str:
    """
    Return the URL of a gateway without the slash at its end.

    Raises:
        ValueError: it cannot be used, or would show the API key to others; it is not repeated.
    """
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError("is no URL of a gateway; expected https://host, perhaps with a port and a path")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must have neither a login nor a query; the API key is given beside the URL")
    if parts.scheme.lower() == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError(
            "has http:// and another host than this one, where anybody on the way could read the API key "
            "and the mails; use https://"
        )
    return url.rstrip("/")


def place_of(url: str) -> str:
    """Return host and port of a gateway, for messages."""
    parts: SplitResult = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme.lower() == 'https' else 80)}"


def parse_key(key: str | SecretStr | None) -> SecretStr:
    """
    Return the API key.

    Raises:
        ValueError: there is none, or it cannot be one; it is not repeated.
    """
    text = key.get_secret_value() if isinstance(key, SecretStr) else key
    if not text:
        raise ValueError("a gateway needs an API key; `postroom key create` makes one")
    if not _KEY.fullmatch(text.strip()):
        raise ValueError("the API key is none; expected what `postroom key create` printed")
    return SecretStr(text.strip())


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
