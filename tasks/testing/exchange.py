"""The server's side of AUTH, as far as a test needs it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.testing.channel import Channel

_CHALLENGE = b"<1.2@scripted.example>"
_TOKEN_REFUSED = b'{"status":"400","schemes":"Bearer"}'


class Attempt(NamedTuple):
    """Who tried to log in, with what, and whether that was right."""

    user_name: str
    secret: str
    is_right: bool


def exchange(mechanism: str, initial: str, channel: Channel, users: Mapping[str, str]) -> Attempt:
    """Ask for whatever *mechanism* needs beyond *initial*, its answer in advance; judge by *users*."""
    match mechanism.upper():
        case "LOGIN":
            user_name = _ask(channel, b"Username:") if not initial else _decode(initial)
            return _judged(user_name, _ask(channel, b"Password:"), users)
        case "CRAM-MD5":
            user_name, _, digest = _ask(channel, _CHALLENGE).partition(" ")
            known = users.get(user_name, "").encode()
            right = hmac.new(known, _CHALLENGE, hashlib.md5).hexdigest()
            return Attempt(user_name, digest, user_name in users and hmac.compare_digest(right, digest))
        case "XOAUTH2" | "OAUTHBEARER":
            attempt = _bearer(_decode(initial) or _ask(channel, b""), users)
            if not attempt.is_right:
                _ask(channel, _TOKEN_REFUSED)
            return attempt
        case _:
            _, user_name, secret = (_decode(initial) or _ask(channel, b"")).split("\0")
            return _judged(user_name, secret, users)


def _bearer(response: str, users: Mapping[str, str]) -> Attempt:
    fields = response.split("\x01")
    user_name = fields[0].removeprefix("user=").removeprefix("n,a=").removesuffix(",")
    tokens = [f.removeprefix("auth=Bearer ") for f in fields if f.startswith("auth=Bearer ")]
    return _judged(user_name, tokens[0] if tokens else "", users)


def _judged(user_name: str, secret: str, users: Mapping[str, str]) -> Attempt:
    return Attempt(user_name, secret, bool(secret) and users.get(user_name) == secret)


def _ask(channel: Channel, challenge: bytes) -> str:
    channel.send(b"334 " + base64.b64encode(challenge) + b"\r\n")
    return _decode(channel.line().decode("latin-1"))


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
