"""Whom a message trusts beyond the usual certificate check (`smtp_ssl_trust`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from tasks.contract.errors import Refused, quoted, refusal
from tasks.contract.hosts import parse_host
from tasks.contract.limits import MAX_FILE_NAME, MAX_TRUST
from tasks.contract.text import line

_EXPECTED: Final = "must be *, host names, sha256:<hex> or ca:<file>"
_SEPARATORS: Final = re.compile(r"[\s;,]+")
_PIN_PREFIX: Final = "sha256:"
_CA_PREFIX: Final = "ca:"
_PIN: Final = re.compile(r"[0-9a-f]{64}")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HOST_AND_PORT: Final = re.compile(r"([^:/\s]+|\[[0-9a-f:.]+\]):[0-9]{1,5}", re.IGNORECASE)
_FILE: Final = re.compile(r"ca:.*|.+\.(pem|crt|cer|der|p7b|pfx|p12)", re.IGNORECASE)


class TrustKind(StrEnum):
    """In which way the certificate check differs from the usual one."""

    ANY = "any"
    """No host's certificate is verified (JavaMail's `*`)."""
    HOSTS = "hosts"
    """The certificates of the named hosts are not verified; all others are, in full."""
    PINS = "pins"
    """A certificate with one of the SHA-256 fingerprints is accepted, and no other."""
    CA_FILE = "ca_file"
    """The chain must end in the bundle of the named file, which replaces the system's."""


@dataclass(frozen=True, slots=True)
class Trust:
    """
    A parsed `smtp_ssl_trust`; which of the three members is filled follows from *kind*.

    *hosts* are in the form that `parse_host` gives them, *pins* are 64 lower-case hex digits, *ca_file* is a
    path as the message had it. Whether the operator allows any of it is decided in the worker.
    """

    kind: TrustKind
    hosts: frozenset[str] = frozenset()
    pins: frozenset[str] = frozenset()
    ca_file: str = ""

    def skips_verification(self, name: str) -> bool:
        """Whether the certificate of the host *name* is not verified at all."""
        return self.kind is TrustKind.ANY or name in self.hosts

    @property
    def wire(self) -> str:
        """The canonical text that `parse_trust` reads back as the same value."""
        if self.kind is TrustKind.ANY:
            return "*"
        if self.kind is TrustKind.CA_FILE:
            return _CA_PREFIX + self.ca_file
        return " ".join(sorted(self.hosts) or (_PIN_PREFIX + pin for pin in sorted(self.pins)))


def parse_trust(value: object) -> Trust:
    """
    Return what `smtp_ssl_trust` says: `*`, hosts, certificate fingerprints, or a CA file.

    Hosts and fingerprints stand apart by white space, ';' or ','; URLs are reduced to their host.

    Raises:
        Refused: it is none of these, or a mixture.

    """
    if isinstance(value, str):
        value = re.sub(r"[\t\r\n]+", " ", value)
    text = line(value, longest=MAX_TRUST)
    if text.lower().startswith(_CA_PREFIX):
        return Trust(TrustKind.CA_FILE, ca_file=_ca_file(text[len(_CA_PREFIX) :].strip()))
    entries = [entry for entry in _SEPARATORS.split(text) if entry]
    if entries == ["*"]:
        return Trust(TrustKind.ANY)
    pinned = [entry.lower().startswith(_PIN_PREFIX) for entry in entries]
    if all(pinned) and entries:
        return Trust(TrustKind.PINS, pins=frozenset(map(_pin, entries)))
    if any(pinned):
        raise refusal("mixes fingerprints with hosts", "choose one kind")
    return Trust(TrustKind.HOSTS, hosts=_hosts(entries))


def _pin(entry: str) -> str:
    digits = entry[len(_PIN_PREFIX) :].replace(":", "").lower()
    if not _PIN.fullmatch(digits):
        raise refusal("has a fingerprint of the wrong form", "must be sha256: and 64 hex digits")
    return digits


def _hosts(entries: list[str]) -> frozenset[str]:
    if not entries:
        raise refusal("names nothing", _EXPECTED)
    return frozenset(map(_host, entries))


def _host(entry: str) -> str:
    if "*" in entry:
        raise refusal("has a wildcard", "must be * alone, or whole host names")
    if not _URL.match(entry) and _FILE.fullmatch(entry):
        raise refusal("names a file", "must be ca:<file> alone, or host names")
    return _checked(_reduced(entry), entry)


def _reduced(entry: str) -> str:
    """Return the host of a URL or of host:port; everything else as it is."""
    if not _URL.match(entry):
        with_port = _HOST_AND_PORT.fullmatch(entry)
        return with_port[1] if with_port else entry
    try:
        url = urlsplit(entry)
        name = url.hostname
    except ValueError as exc:
        raise _no_host(entry) from exc
    if url.scheme == "file" or not name or "@" in url.netloc:
        raise _no_host(entry)
    return name


def _checked(name: str, entry: str) -> str:
    try:
        return parse_host(name)
    except Refused as refused:
        raise _no_host(entry) from refused


def _no_host(entry: str) -> Refused:
    shown = "an entry" if "@" in entry else quoted(entry)
    return refusal(f"{shown} is no host name", "must be host names; no file and no path")


def _ca_file(name: str) -> str:
    components = name.replace("\\", "/").split("/")
    if components[-1] in {"", "."} or ".." in components:
        raise refusal("names no CA file", "must be ca:<file>, without '..'")
    if any(len(part.encode()) > MAX_FILE_NAME for part in components):
        raise refusal("has a long file name", f"a name must have at most {MAX_FILE_NAME} bytes")
    return name
