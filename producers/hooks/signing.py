"""Signatures of deliveries, as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, moment and body."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING

from producers.web.webhook import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr


def signature_headers(
    delivery_id: str, body: bytes, secrets: Sequence[SecretStr], *, at: int
) -> dict[str, str]:
    """
    Return the header fields of a delivery that is sent *at* a moment, in seconds since 1970.

    There is a signature for each of *secrets*: who knows one of them can verify it.
    """
    signed = f"{delivery_id}.{at}.".encode() + body
    digests = (hmac.digest(bytes_of(secret), signed, "sha256") for secret in secrets)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{b64encode(digest).decode('ascii')}" for digest in digests),
    }
