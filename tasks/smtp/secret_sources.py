"""Passwords: given, or in a file that is read anew for each login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import PermanentFailure, Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.deadline import Deadline

_LONGEST_SECRET: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class StaticSecret:
    """A password, or with *gives_tokens* a token, that stays the same until the worker is restarted."""

    value: SecretStr
    gives_tokens: bool = False

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:  # noqa: ARG002  # a SecretSource
        """Return the secret."""
        return self.value


@dataclass(frozen=True, slots=True)
class FileSecret:
    """
    The first line of a file, read for each login, so that a rotated password needs no restart.

    With *gives_tokens* the file holds an OAuth token that somebody else renews.
    """

    path: Path
    gives_tokens: bool = False

    def secret(self, deadline: Deadline, *, fresh: bool = False) -> SecretStr:  # noqa: ARG002  # always fresh
        """
        Return the secret.

        Raises:
            PermanentFailure: the file cannot be read, or is empty.

        """
        try:
            with self.path.open(encoding="utf-8") as file:
                line = file.readline(_LONGEST_SECRET).rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            raise _unusable("The account's secret file cannot be read.") from error
        if not line:
            raise _unusable("The account's secret file is empty.")
        return SecretStr(line)


def _unusable(text: str) -> PermanentFailure:
    return PermanentFailure(Reply(LocalCode.LOGIN_IMPOSSIBLE, text), Phase.AUTH)
