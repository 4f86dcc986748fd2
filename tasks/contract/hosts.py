"""Host names and IP addresses, in the one form in which they are compared and connected to."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from email_validator import validate_email

from tasks.contract.codes import LocalCode
from tasks.contract.errors import Refused, quoted, refusal
from tasks.contract.text import as_text, has_control

_LONGEST_NAME: Final = 253
_BARE: Final = "must be a bare host name or IP address"
_INVALID: Final = "is not a valid host name"
# An underscore is no part of a host name in the RFCs, but of many a container's.
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_PORT: Final = re.compile(r"(\[[^]]*\]|[^:]*):[0-9]*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def parse_host(value: object) -> str:
    """
    Return *value* as a lower-case host name in A-labels without a final dot, or as an IP address.

    Whether the operator allows the host is not decided here.

    Raises:
        Refused: it is neither, or has a port, a scheme or a path.

    """
    text = as_text(value).strip(" \t\r\n")
    if has_control(text):
        raise refusal("contains control characters", _BARE)
    if any(mark in text for mark in "/@?#\\"):
        raise refusal("is a URL, a path or an address", _BARE)
    return _address(text) or _name(text)


def is_number(label: str) -> bool:
    """Whether *label*, the last of a name, makes resolvers read the name as an IPv4 address."""
    return _NUMBER.fullmatch(label) is not None


def ascii_domain(domain: str) -> str:
    """
    Return an international domain name in A-labels (RFC 5890).

    Raises:
        ValueError: it cannot be encoded.

    """
    found = validate_email(
        f"x@{domain}", check_deliverability=False, globally_deliverable=False, test_environment=True
    )
    return found.ascii_domain or ""


def _address(text: str) -> str | None:
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        found = ipaddress.ip_address(inside)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id is not None:
        raise refusal("has a zone index", "leave out the % and what follows it")
    return str(found)


def _name(text: str) -> str:
    if _PORT.fullmatch(text):
        raise refusal("has a port", "the port does not belong in the host; use Smtp Port")
    name = _encoded(text).removesuffix(".").lower()
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise _invalid(text)
    if is_number(name.rpartition(".")[2]):
        raise refusal(
            f"{quoted(text)} is an IP address in an unusual spelling",
            "write it as four decimal numbers",
            code=LocalCode.POLICY,
        )
    return name


def _encoded(text: str) -> str:
    if text.isascii():
        return text
    try:
        return ascii_domain(text.removesuffix(".")[: _LONGEST_NAME + 1])
    except ValueError as exc:
        raise _invalid(text) from exc


def _invalid(text: str) -> Refused:
    return refusal(f"{quoted(text)} {_INVALID}", _BARE)
