"""The keys of a seal as operators write them: in a variable, or in a file with one on each line."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: What the settings are called, for error texts.
KEYS_SETTING: Final = "POSTROOM_SEALING_KEYS"
FILE_SETTING: Final = "POSTROOM_SEALING_KEYS_FILE"

_KEY_BYTES: Final = 32
_BETWEEN: Final = re.compile(r"[;\s]+")


def parse_keys(text: str) -> tuple[SecretStr, ...]:
    """
    Return the keys in *text*, with ';' or white space between them.

    Raises:
        ValueError: which of them is no key, by its number and never with its text.
    """
    keys = [part for part in _BETWEEN.split(text) if part]
    for number, key in enumerate(keys, start=1):
        if not _is_key(key):
            raise ValueError(f"entry {number} is no sealing key; `postroom sealing-key` prints a new one")
    return tuple(SecretStr(key) for key in keys)


def as_keys(keys: Iterable[str | SecretStr]) -> tuple[SecretStr, ...]:
    """Return *keys* as secrets. Raises `ValueError` as `parse_keys`."""
    texts = [key if isinstance(key, str) else key.get_secret_value() for key in keys]
    # An empty key is a variable that somebody forgot to set, and not the wish to send unsealed.
    return tuple(secret for text in texts for secret in parse_keys(text.strip() or "?"))


def read_keys(file: Path) -> tuple[SecretStr, ...]:
    """
    Return the keys in *file*, one on each line.

    Raises:
        ValueError: the file cannot be read, holds no key, or something that is none.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})") from None
    except UnicodeError:
        raise ValueError("the file is no text; it must have one key on each line") from None
    keys = parse_keys(text)
    if not keys:
        raise ValueError("the file is empty; it must have one key on each line")
    return keys


def _is_key(text: str) -> bool:
    try:
        return len(b64decode(text, altchars=b"-_", validate=True)) == _KEY_BYTES
    except (Error, ValueError):
        return False
