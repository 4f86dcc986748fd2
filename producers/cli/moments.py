"""Moments in options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from datetime import datetime


def moment_of(text: str | None) -> datetime | None:
    """
    Return the moment that `--send-at` names, if any.

    Raises:
        typer.BadParameter: it is none.
    """
    from tasks.contract.errors import Refused  # noqa: PLC0415 - help must be fast
    from tasks.contract.moments import parse_moment  # noqa: PLC0415 - help must be fast

    try:
        return parse_moment(text) if text is not None else None
    except Refused as refused:
        raise typer.BadParameter(str(refused), param_hint="--send-at") from None
