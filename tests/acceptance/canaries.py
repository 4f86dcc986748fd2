"""Searching for what must not be found, in whatever form it may stand there."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def forms(canary: str) -> Iterator[bytes]:
    """Yield *canary* as it may stand in bytes: as it is, in hexadecimal, and in base64 at any offset."""
    yield canary.encode()
    yield canary.encode().hex().encode()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + canary.encode()).rstrip(b"=")
        # The characters at both ends depend on what stands beside.
        is_whole = (offset + len(canary)) % 3 == 0
        yield text[(0, 2, 3)[offset] : None if is_whole else -1]


def hits(haystack: bytes, canaries: set[str]) -> set[str]:
    """Return the canaries that are found."""
    return {canary for canary in canaries if any(form in haystack for form in forms(canary))}


def leaks(places: dict[str, bytes], canaries: set[str]) -> dict[str, set[str]]:
    """Return what was found where, for places in which anything was."""
    return {name: found for name, text in places.items() if (found := hits(text, canaries))}
