"""What each SASL mechanism answers, as pure functions of user name, secret and challenge."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.smtp.login import Mechanism

if TYPE_CHECKING:
    from collections.abc import Callable

# A command line holds 512 bytes (RFC 5321, section 4.5.3.1.4), a third more in base64.
_LONGEST_INITIAL: Final = 360

# What tells the server that the client has seen the error in its challenge, and waits for the reply proper.
_XOAUTH2_SEEN: Final = b""
_OAUTHBEARER_SEEN: Final = b"\x01"


class Script(NamedTuple):
    """One exchange: what goes with AUTH itself, if anything, and the answer to each challenge in turn."""

    initial: bytes | None
    answers: tuple[Callable[[bytes], bytes], ...]


def script(mechanism: Mechanism, user_name: str, secret: str) -> Script:
    """Return the exchange of *mechanism*; none of it is encoded in base64 yet."""
    user, word = user_name.encode(), secret.encode()
    match mechanism:
        case Mechanism.LOGIN:
            return Script(None, (lambda _: user, lambda _: word))
        case Mechanism.CRAM_MD5:
            return Script(None, (lambda challenge: _cram_md5(user, word, challenge),))
        case Mechanism.XOAUTH2:
            return Script(_xoauth2(user, word), (lambda _: _XOAUTH2_SEEN,))
        case Mechanism.OAUTHBEARER:
            return Script(_oauthbearer(user_name, word), (lambda _: _OAUTHBEARER_SEEN,))
        case _:
            return _plain(user, word)


def _plain(user: bytes, word: bytes) -> Script:
    """PLAIN (RFC 4616); with AUTH itself where the line is not too long for that (RFC 4954, section 4)."""
    response = b"\0" + user + b"\0" + word
    if len(response) <= _LONGEST_INITIAL:
        return Script(response, ())
    return Script(None, (lambda _: response,))


def _cram_md5(user: bytes, word: bytes, challenge: bytes) -> bytes:
    """CRAM-MD5 (RFC 2195)."""
    return user + b" " + hmac.new(word, challenge, hashlib.md5).hexdigest().encode()


def _xoauth2(user: bytes, token: bytes) -> bytes:
    """XOAUTH2, as Google and Microsoft describe it; both want it on the line of AUTH."""
    return b"user=" + user + b"\x01auth=Bearer " + token + b"\x01\x01"


def _oauthbearer(user_name: str, token: bytes) -> bytes:
    """OAUTHBEARER (RFC 7628); commas and equals signs of the name are escaped (RFC 5801)."""
    name = user_name.replace("=", "=3D").replace(",", "=2C").encode()
    return b"n,a=" + name + b",\x01auth=Bearer " + token + b"\x01\x01"
