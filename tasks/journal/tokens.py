"""Fernet tokens, made with what is set up once for a key instead of anew for each token."""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

#: Bytes of a key for each of its two uses, and of a block of AES.
_HALF: Final = 16
_BLOCK: Final = 16

#: What a token begins with, before the time (github.com/fernet/spec).
_VERSION: Final = b"\x80"


class Tokens:
    """
    Makes the tokens of one key; `cryptography.fernet.Fernet` opens them.

    It can be shared between threads, and used on both sides of a fork: docs/decisions/0051-kept-encryptors.md
    says why.
    """

    def __init__(self, key: bytes) -> None:
        self._signer = HMAC(key[:_HALF], SHA256())
        self._cipher = algorithms.AES(key[_HALF:])
        self._idle: list[CipherContext] = []

    def make(self, content: bytes) -> bytes:
        """Return a token of *content*, different each time."""
        signed = _VERSION + int(time.time()).to_bytes(8) + self._encrypted(content)
        signer = self._signer.copy()
        signer.update(signed)
        return urlsafe_b64encode(signed + signer.finalize())

    def _encrypted(self, content: bytes) -> bytes:
        """
        Return an IV, and *content* in AES-CBC behind it.

        In this mode a block is encrypted together with the encrypted one before it, and the IV is what stands
        before the first. So an encryptor that goes on takes a random block first: what it makes of that is
        foreseen as little as a random IV (NIST SP 800-38A, appendix C), and is the IV of what follows.
        """
        padding = _BLOCK - len(content) % _BLOCK
        blocks = b"".join((os.urandom(_BLOCK), content, bytes((padding,)) * padding))
        try:
            encryptor = self._idle.pop()
        except IndexError:
            encryptor = Cipher(self._cipher, modes.CBC(os.urandom(_BLOCK))).encryptor()
        encrypted = encryptor.update(blocks)
        self._idle.append(encryptor)
        return encrypted
