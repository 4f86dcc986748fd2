"""The file of API keys: written whole and at once, read by every gateway process."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from producers.web.keys import Key, digest_of, new_token, now
from producers.web.webhook import REVEALING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from producers.web.keys import Token


class UnusableKeyFile(Exception):
    """The file of keys cannot be read or written; the text says why, and repeats nothing of it."""


class NoSuchKey(LookupError):
    """There is no key of this id."""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    keys: tuple[Key, ...] = ()


class KeyFile:
    """
    The keys of one file, which need not exist yet.

    All methods raise `UnusableKeyFile`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[Key, ...]:
        """Return all keys, revoked ones included."""
        try:
            return _Stored.model_validate_json(self.path.read_bytes()).keys
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UnusableKeyFile(f"{self.path} cannot be read ({error.strerror})") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise UnusableKeyFile(f"{self.path} is no file of keys ({where}: {first['msg']})") from None

    def create(self, **fields: object) -> tuple[Key, Token]:
        """
        Add a key with *fields* and return it with the token that nobody can read again.

        Raises:
            pydantic.ValidationError: a field is wrong.
        """
        token = new_token()
        key = Key.model_validate(
            {**fields, "id": token.key_id, "digest": digest_of(token.secret), "created_at": now()}
        )
        with self._locked():
            self._write((*self.read(), key))
        return key, token

    def revoke(self, key_id: str) -> Key:
        """
        Take a key's validity for good, and return it; a second time changes nothing.

        Raises:
            NoSuchKey: there is none of this id.
        """
        return self.change(
            key_id, lambda key: key if key.revoked_at else key.model_copy(update={"revoked_at": now()})
        )

    def change(self, key_id: str, change: Callable[[Key], Key]) -> Key:
        """
        Replace a key with what *change* makes of it, and return that; whatever it raises changes nothing.

        Raises:
            NoSuchKey: there is none of this id.
        """
        with self._locked():
            keys = {key.id: key for key in self.read()}
            if key_id not in keys:
                raise NoSuchKey(key_id)
            changed = change(keys[key_id])
            if changed != keys[key_id]:
                keys[key_id] = changed
                self._write(tuple(keys.values()))
            return changed

    def _write(self, keys: tuple[Key, ...]) -> None:
        text = _Stored(keys=keys).model_dump_json(indent=2, context=REVEALING) + "\n"
        # Readers see the old file or the new one, and a full disk leaves the old one.
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise UnusableKeyFile(f"{self.path} cannot be written ({error.strerror})") from None
