"""Mails from JSON Lines, one line at a time, however long the input is."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from producers.cli.sources import STDIN
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput, kind
from tasks.contract.labels import field_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from producers.batches import Message

_ADVICE: Final = "each line must be a JSON object with a field for each input"


@dataclass(slots=True)
class JsonLines:
    """
    The mails of *lines*, the bytes of a file in UTF-8; a line that is none becomes an `InvalidInput`.

    With *key_prefix*, a mail without an idempotency key gets one: the prefix and the number of its line.
    *taken* counts the bytes that were read. *numbers* has the line of each mail that was yielded; whoever
    answers for a mail takes its number out.
    """

    lines: Iterable[bytes]
    key_prefix: str | None = None
    taken: int = 0
    numbers: deque[int] = field(default_factory=deque)

    def __iter__(self) -> Iterator[Message]:
        """
        Yield a mail for each line that is not blank.

        Raises:
            typer.BadParameter: the input cannot be read any further.
        """
        try:
            for number, line in enumerate(self.lines, start=1):
                self.taken += len(line)
                if line.strip():
                    self.numbers.append(number)
                    yield self._keyed(_message(line), number)
        except OSError as error:
            raise typer.BadParameter(
                f"cannot be read any further ({error.strerror})", param_hint="FILE"
            ) from None

    def _keyed(self, message: Message, number: int) -> Message:
        if self.key_prefix is None or isinstance(message, InvalidInput):
            return message
        if any(field_of(name) == "idempotency_key" for name in message):
            return message
        return {**message, "idempotency_key": f"{self.key_prefix}-{number}"}


def _message(line: bytes) -> Message:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _no_message("is not in UTF-8")
    except json.JSONDecodeError as error:
        # Only where and why: the text itself may be a body or an address.
        return _no_message(f"is no JSON (column {error.colno}: {error.msg})")
    except (ValueError, RecursionError):
        return _no_message("is no JSON that can be read")
    return found if isinstance(found, dict) else _no_message(f"is {kind(found)}")


def _no_message(problem: str) -> InvalidInput:
    return InvalidInput((FieldError("", "Message", LocalCode.INVALID_INPUT, problem, _ADVICE),))


@contextmanager
def opened(source: str) -> Iterator[tuple[Iterable[bytes], int | None]]:
    """
    Lend the lines of the file *source*, or of standard input for "-", and its size in bytes where it has one.

    Raises:
        typer.BadParameter: it cannot be read.
    """
    if source == STDIN:
        yield sys.stdin.buffer, None
        return
    try:
        file = Path(source).open("rb")  # noqa: SIM115 - closed below, where the mails' own errors are not caught
    except OSError as error:
        raise typer.BadParameter(f"{source} cannot be read ({error.strerror})", param_hint="FILE") from None
    with file:
        status = os.fstat(file.fileno())
        yield file, status.st_size if stat.S_ISREG(status.st_mode) else None
