"""Where a refresh token is kept, and its successor where the provider renews it with each use."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from tasks.contract.codes import Phase
from tasks.smtp.faults import time_over
from tasks.smtp.secret_sources import FileSecret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pydantic import SecretStr

    from tasks.deadline import Deadline
    from tasks.smtp.login import SecretSource

logger = logging.getLogger(__name__)

_PAUSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Held:
    """
    A refresh token for one exchange, in which nobody else uses it.

    *newest* is to be tried first; *given* returns what the operator gave, should that be refused; *replace*
    keeps the successor.
    """

    newest: SecretStr
    given: Callable[[], SecretStr]
    replace: Callable[[SecretStr], None]


class RefreshTokens(Protocol):
    """Holds the refresh token of an account."""

    def held(self, deadline: Deadline) -> AbstractContextManager[Held]:
        """
        Lend the token for one exchange.

        Raises:
            Failure: it cannot be had, now or at all.

        """
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """A refresh token from *source*; its successors live as long as this process."""

    source: SecretSource
    _renewed: list[SecretStr] = field(default_factory=list, repr=False, compare=False)

    @contextmanager
    def held(self, deadline: Deadline) -> Iterator[Held]:
        """Lend the successor, or what the source gives."""

        def given() -> SecretStr:
            self._renewed.clear()
            return self.source.secret(deadline)

        yield Held(self._renewed[-1] if self._renewed else given(), given, self._replace)

    def _replace(self, renewed: SecretStr) -> None:
        if not self._renewed:
            logger.warning("refresh token was renewed and cannot be stored")
        self._renewed[:] = [renewed]


@dataclass(frozen=True, slots=True)
class TokenFile:
    """
    A refresh token in a file of its own, which each successor replaces.

    The file stays locked during an exchange, since a provider that takes each token only once may take two
    processes with the same one for a thief. It is written in place, so that it may be mounted by itself. A
    file that may only be read is like any other source: its successors live as long as this process.
    """

    path: Path
    _memory: list[InMemory] = field(default_factory=list, repr=False, compare=False)

    @contextmanager
    def held(self, deadline: Deadline) -> Iterator[Held]:
        """Lend what the file holds, nobody else's meanwhile."""
        with self._opened() as file:
            if file:
                _lock(file, deadline)
            with self._in_memory.held(deadline) as held:
                yield replace(held, replace=lambda token: _keep(token, file, held)) if file else held

    def _opened(self) -> AbstractContextManager[BinaryIO | None]:
        try:
            return self.path.open("r+b", buffering=0)
        except OSError:
            return nullcontext()

    @property
    def _in_memory(self) -> InMemory:
        if not self._memory:
            self._memory.append(InMemory(FileSecret(self.path)))
        return self._memory[0]


def _lock(file: BinaryIO, deadline: Deadline) -> None:
    while not deadline.is_over:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
    raise time_over(Phase.AUTH, "another process to renew the account's token")


def _keep(token: SecretStr, file: BinaryIO, otherwise: Held) -> None:
    try:
        _write(file, token)
    except OSError:
        otherwise.replace(token)


def _write(file: BinaryIO, token: SecretStr) -> None:
    """Replace the first line in one write: whoever reads it sees the old one or the new one."""
    line = token.get_secret_value().encode() + b"\n"
    os.pwrite(file.fileno(), line, 0)
    os.ftruncate(file.fileno(), len(line))
    os.fsync(file.fileno())
