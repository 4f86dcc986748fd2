"""
Sealing what Redis holds of a mail, so that whoever reads Redis learns nothing of it.

A sealed text is a Fernet token (AES-128-CBC under HMAC-SHA256), whose JSON names the mail that it belongs
to: a token under the id of another mail is not opened.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from tasks.contract.reading import read_json
from tasks.journal.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr

#: The one keyword argument of a message whose parameters are sealed.
SEALED: Final = "sealed"

#: Stands before sealed bytes, so that a file which looks like a mail is never opened as one.
_BYTES: Final = b"bytes:"

_NO_FIELD_TAKES: Final = [0]

# Kept, since making an encoder costs more than writing an id with it.
_write: Final = json.JSONEncoder().encode

#: Names are made with a key of their own, which tells nothing about the one that seals.
_NAMING: Final = b"postroom: names in Redis"


class Unsealable(Exception):
    """No key opens it, it was changed, or it belongs to another mail; the text says nothing of what it is."""


class Seal:
    """
    Seals with the first of *keys* and opens with any of them.

    Raises:
        ValueError: there is no key, or one that is none.
    """

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        texts = [key.get_secret_value() for key in keys]
        self._fernet = MultiFernet([Fernet(text) for text in texts])
        keys_in_bytes = [urlsafe_b64decode(text) for text in texts]
        self._first, self._tokens = Fernet(texts[0]), Tokens(keys_in_bytes[0])
        self._naming = [HMAC(hmac.digest(key, _NAMING, "sha256"), SHA256()) for key in keys_in_bytes]

    def seal(self, mail_id: str, payload: str) -> str:
        """Return the token of *payload*, a JSON text, for the mail *mail_id*."""
        text = f'{{"id":{_write(mail_id)},"mail":{payload}}}'
        return self._tokens.make(text.encode()).decode("ascii")

    def open(self, mail_id: str, token: str) -> Mapping[str, Any]:
        """
        Return the parameters that were sealed for the mail *mail_id*.

        Raises:
            Unsealable: they were not sealed for it with one of the keys.
        """
        try:
            document = read_json(self._decrypt(token.encode()))
            mail = document["mail"] if document["id"] == mail_id else None
        except (ValueError, LookupError, TypeError, RecursionError):
            mail = None
        if not isinstance(mail, dict):
            raise Unsealable
        return mail

    def seal_bytes(self, content: bytes) -> bytes:
        """Return the token of *content*."""
        return self._tokens.make(_BYTES + content)

    def open_bytes(self, token: bytes) -> bytes:
        """
        Return the bytes that were sealed.

        Raises:
            Unsealable: they were not sealed with one of the keys.
        """
        content = self._decrypt(token)
        if not content.startswith(_BYTES):
            raise Unsealable
        return content[len(_BYTES) :]

    def names(self, kind: str, value: bytes) -> tuple[str, ...]:
        """
        Return what stands for *value* in Redis, by each key in order: hexadecimal digits.

        Equal values of a *kind* have equal names, and without the keys no guess can be verified.
        """
        text = kind.encode() + b":" + value
        return tuple([_name(key, text) for key in self._naming])

    def _decrypt(self, token: bytes) -> bytes:
        # Nearly always it is this one, and then the others need not be asked.
        with suppress(InvalidToken):
            return self._first.decrypt(token)
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise Unsealable from None


def _name(key: HMAC, text: bytes) -> str:
    # A copy of what was set up for the key costs half of setting it up.
    digest = key.copy()
    digest.update(text)
    return digest.finalize().hex()


def to_text(parameters: Mapping[str, Any]) -> str:
    """
    Return *parameters* that came from somebody else as JSON text.

    Celery's JSON has kinds of values that JSON does not have, such as bytes. No field takes them, nor what
    stands for them here: they stay as wrong as they came.
    """
    return json.dumps(parameters, separators=(",", ":"), default=lambda _: _NO_FIELD_TAKES)


def to_payload(mail_id: str, parameters: str, seal: Seal | None) -> str:
    """Return the JSON text in which *parameters*, also JSON, travel: sealed where there is a seal."""
    if seal is None:
        return parameters
    # A token needs no escapes (RFC 4648, section 5).
    return f'{{"{SEALED}":"{seal.seal(mail_id, parameters)}"}}'


def is_sealed(parameters: Mapping[str, object]) -> bool:
    """Whether *parameters* are a token and nothing else."""
    return set(parameters) == {SEALED} and isinstance(parameters[SEALED], str)


def seal_with(keys: Sequence[SecretStr]) -> Seal | None:
    """Return the seal of *keys*, None where there are none. Raises `ValueError` as `Seal`."""
    return Seal(keys) if keys else None


def generate_key() -> str:
    """Return a new random key in the form that settings have it: 44 characters."""
    return Fernet.generate_key().decode("ascii")
