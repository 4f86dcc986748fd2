"""
The reference of the gateway's settings, written from the settings themselves.

`python -m producers.web.settings_reference docs/reference` writes the published page anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le

from producers.password_reset.limit_settings import PREFIX, LimitSettings
from producers.web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

_HEAD: Final = """\
# Settings of the HTTP gateway

`postroom web` reads them from the environment and from `.env` in the current folder.
The environment wins, and options of the command win over both.
It finds queue and sealing keys as [the command line](cli.md#where-the-queue-is) does.
How to use the gateway is in [send mail over HTTP](../howto/http.md).
Times are in seconds, sizes in bytes.

"""
_LIMITS: Final = """
## Limits of password resets

The gateway and `postroom reset` read them, and programs give theirs to `Resets(…, limits=…)`.
They count in Redis, for all who ask there together, so all should have the same.
What happens above a limit is in [send password resets](../howto/password-resets.md#limits).

"""
_KINDS: Final[dict[object, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    Path | None: "path",
    tuple[str, ...]: "list",
}


def page() -> str:
    """Return the reference as Markdown."""
    return "".join(
        [
            _HEAD,
            *table(WebSettings, "POSTROOM_WEB_"),
            _LIMITS,
            *table(LimitSettings, PREFIX),
        ]
    )


def write(folder: Path) -> Path:
    """Write the reference into *folder* and return the file."""
    file = folder / "gateway.md"
    file.write_text(page(), encoding="utf-8")
    return file


def table(settings: type[BaseSettings], prefix: str) -> Iterator[str]:
    """Yield the table of *settings*, whose names begin with *prefix*."""
    yield "| setting | value | default | meaning |\n|---|---|---|---|\n"
    for name, field in settings.model_fields.items():
        yield f"| {' | '.join(_row(prefix + name.upper(), field))} |\n"


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    choices = getattr(field.validation_alias, "choices", None) or [name]
    default = "" if field.default in (None, ()) else f"`{_shown(field.default)}`"
    return (
        ", else ".join(f"`{choice}`" for choice in choices),
        _value(field),
        default,
        field.description or "",
    )


def _value(field: FieldInfo) -> str:
    low = [f"≥ {bound.ge:g}" for bound in field.metadata if isinstance(bound, Ge)]
    low += [f"> {bound.gt:g}" for bound in field.metadata if isinstance(bound, Gt)]
    high = [f"≤ {bound.le:g}" for bound in field.metadata if isinstance(bound, Le)]
    return ", ".join([_kind(field.annotation), *low, *high])


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        *others, last = (f"`{value}`" for value in get_args(annotation))
        return f"{', '.join(others)} or {last}"
    return _KINDS[annotation]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    write(Path(*sys.argv[1:]))
