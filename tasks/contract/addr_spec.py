"""Whether an addr-spec (RFC 5321, section 4.1.2: local part, "@", domain) may be written to."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from email_validator import validate_email

from tasks.contract.address_syntax import unescape
from tasks.contract.errors import Refused, refusal
from tasks.contract.hosts import is_number

_EXPECTED: Final = "expected name@domain"
_LONGEST: Final = 1000
#: A plain subset of what email-validator accepts and returns unchanged, thirty times as fast.
_PLAIN: Final = re.compile(
    r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@((?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,})"
)
_PLAIN_LONGEST: Final = 64
#: Final labels that the library or this module looks at more closely.
_SPECIAL: Final = frozenset({"arpa", "invalid", "local", "localdomain", "localhost", "onion"})
_LOOPBACK: Final = frozenset({"localhost", "localhost6", "ip6-localhost", "ip6-loopback", "localdomain"})
_DOT_ATOM: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*"
)


def ordinary(addr_spec: str) -> tuple[str, str] | None:
    """Return local part and domain where *addr_spec* is so plain that nothing more needs to be asked."""
    found = _PLAIN.fullmatch(addr_spec)
    if found is None:
        return None
    local, domain = found[1], found[2].lower()
    if max(len(local), len(domain)) >= _PLAIN_LONGEST or domain.rpartition(".")[2] in _SPECIAL:
        return None
    return local, domain


def validated(addr_spec: str) -> tuple[str, str]:
    """
    Return the local part, without quotes, and the domain in lower-case A-labels.

    Raises:
        Refused: it is no email address, or one that is never written to (an address literal, the local host).

    """
    local, at, domain = addr_spec.rpartition("@")
    _refuse_never_written(addr_spec, local, domain)
    if not at or len(addr_spec) > _LONGEST:
        raise _no_address()
    try:
        encoded = _encoded_domain(local, domain)
    except ValueError as exc:
        raise _no_address() from exc
    last = encoded.rpartition(".")[2]
    if last in _LOOPBACK or is_number(last):
        raise _not_allowed("the local host or an IP address")
    return _plain_local(local), encoded


def quote_local(local: str) -> str:
    """Return the local part as addr-specs spell it: quoted only where it is no dot-atom (RFC 5321, 4.1.2)."""
    if _DOT_ATOM.fullmatch(local):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def _encoded_domain(local: str, domain: str) -> str:
    # The library reserves .local for multicast DNS; many a company's mail domain ends in it all the same.
    intranet = domain.lower().endswith(".local")
    found = validate_email(
        f"{local}@{domain[:-5]}lokal" if intranet else f"{local}@{domain}",
        check_deliverability=False,
        globally_deliverable=False,
        allow_quoted_local=True,
        test_environment=True,
    )
    encoded = found.ascii_domain or ""
    return encoded.removesuffix("lokal") + "local" if intranet else encoded


def _plain_local(local: str) -> str:
    unquoted = unescape(local[1:-1]) if local.startswith('"') else local
    return unicodedata.normalize("NFC", unquoted)


def _refuse_never_written(addr_spec: str, local: str, domain: str) -> None:
    if domain.startswith("[") and local:
        raise _not_allowed("an address literal")
    if addr_spec.startswith(("/", "|")) and "@" not in addr_spec:
        raise _not_allowed("a file or a command")
    if addr_spec.lower() == "postmaster":
        raise _not_allowed("without a domain")
    if domain.lower().rpartition(".")[2] in _LOOPBACK:
        raise _not_allowed("the local host or an IP address")


def _no_address() -> Refused:
    return refusal("is not an email address", _EXPECTED)


def _not_allowed(why: str) -> Refused:
    return refusal(f"is not an allowed address ({why})", f"{_EXPECTED}, with a mail domain")
