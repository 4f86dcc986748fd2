"""
The reference of all settings, written from the settings themselves.

`python -m worker.settings_reference docs/reference` writes the published page anew.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr

from tasks.contract.addresses import Mailbox
from tasks.contract.security import Security
from tasks.contract.trust import Trust
from tasks.delivery.accounts import Account
from tasks.delivery.oauth import Command, OAuth
from tasks.password_reset.settings import ResetSettings
from worker.settings import Settings
from worker.settings_words import ABOUT, HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_PREFIX: Final = "POSTROOM_"
_ACCOUNT: Final = "POSTROOM_ACCOUNTS__<name>__"

#: What marks a field as a command.
_COMMAND: Final = get_args(Command)[1]

_KINDS: Final[dict[object, str]] = {
    str: "text",
    OAuth: "a group of settings",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    SecretStr: "text, hidden",
    Mailbox: "address",
    Trust: "text",
    Security: "`TLS`, `SSL` or `none`",
}


_LISTS: Final[dict[object, str]] = {Path: "list of paths", SecretStr: "list of keys, hidden"}


def page() -> str:
    """Return the reference as Markdown."""
    return HEAD + "\n".join(
        [
            "## The worker\n",
            *_table(Settings, _PREFIX, leave_out={"accounts", "resets"}),
            "\n## Accounts\n",
            "Each account has a name; `default` serves messages that name none, unless set otherwise.\n",
            *_table(Account, _ACCOUNT, leave_out={"name"}),
            "\n## OAuth of an account\n",
            "Needed are a token, a file or a command for it, or an endpoint with what it asks for.\n",
            *_table(OAuth, _ACCOUNT + "OAUTH__", leave_out=set()),
            "\n## Password resets\n",
            "A worker with a directory sends password resets, and tries all of this when it starts.\n",
            *_table(ResetSettings, _PREFIX + "RESETS__", leave_out=set()),
            "",
        ]
    )


def write(folder: Path) -> Path:
    """Write the reference into *folder* and return the file."""
    file = folder / "settings.md"
    file.write_text(page(), encoding="utf-8")
    return file


def _table(model: type[BaseModel], prefix: str, *, leave_out: set[str]) -> Iterator[str]:
    yield "| setting | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if name not in leave_out:
            cells = (_name(prefix, name, field), _value(field), _default(field), about(model, name))
            yield "| " + " | ".join(cells) + " |"


def _name(prefix: str, name: str, field: FieldInfo) -> str:
    choices = getattr(field.validation_alias, "choices", None) or [prefix + name.upper()]
    return ", else ".join(f"`{choice}`" for choice in choices)


def about(model: type[BaseModel], name: str) -> str:
    """
    Return the sentence that tells what the field *name* is for.

    Raises:
        KeyError: nobody has written one.
    """
    description = model.model_fields[name].description
    return ABOUT[model][name] if description is None else description.replace("<", "\\<")


def _value(field: FieldInfo) -> str:
    low = [f"≥ {bound.ge:g}" for bound in field.metadata if isinstance(bound, Ge)]
    low += [f"> {bound.gt:g}" for bound in field.metadata if isinstance(bound, Gt)]
    high = [f"≤ {bound.le:g}" for bound in field.metadata if isinstance(bound, Le)]
    what = "command line" if _COMMAND in field.metadata else kind(field.annotation)
    return ", ".join([what, *low, *high])


def kind(annotation: Any) -> str:
    """
    Return what a value of the type *annotation* looks like, in words.

    Raises:
        KeyError: there is no word for it yet.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(arguments[0])
    if origin in {Union, UnionType}:
        return " or ".join(kind(argument) for argument in arguments if argument is not NoneType)
    if origin is Literal:
        return _choice(arguments)
    if origin is tuple:
        return _LISTS.get(arguments[0], "list of names")
    if annotation not in _KINDS and isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice(member.value for member in annotation)
    return _KINDS[annotation]


def _choice(values: Any) -> str:
    *others, last = (f"`{value}`" for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in {"", ()}:
        return ""
    if isinstance(value, Security):
        return f"`{value.value}`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    write(Path(*sys.argv[1:]))
