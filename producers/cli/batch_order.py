"""What is to be done with a file of users, as the command line says it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import typer

from producers.password_reset.batch.rows import Wish
from tasks.contract.errors import InvalidInput
from tasks.contract.password_reset import parse_password_reset


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done with a file, as the command line says it."""

    users: str
    wish: Wish
    name: str | None = None
    limit: int | None = None
    is_dry: bool = False
    skips_invalid: bool = False
    canary: str | None = None
    is_confirmed: bool = False
    templates: str | None = None
    in_flight: int = 500
    rate: float = 50.0
    failures: int = 10
    refused: float = 0.2
    retries: Literal["transient", "unknown"] | None = None

    @property
    def template_folder(self) -> Path | None:
        """The folder of the operator's templates."""
        return Path(self.templates) if self.templates else None


def wish(**given: Any) -> Wish:
    """
    Return what all rows have in common.

    Raises:
        typer.BadParameter: an option is wrong in itself.
    """
    timeout = given.pop("timeout", None)
    known = {name: value for name, value in given.items() if value is not None}
    try:
        sample = parse_password_reset({"workflow": "specified", "user": "x", "timeout": timeout, **known})
    except InvalidInput as invalid:
        first = invalid.errors[0]
        hint = f"--{first.field}"
        raise typer.BadParameter(f"{first.problem}; {first.advice}", param_hint=hint) from None
    return Wish(timeout=sample.timeout, **known)
