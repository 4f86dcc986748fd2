"""What `postroom key` does, once its options are read."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from producers.cli.gateway import settings_from_environment
from producers.cli.output import print_json
from producers.web.keyfile import KeyFile, NoSuchKey, UnusableKeyFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from producers.web.keys import Key


def create(file: str | None, *, as_json: bool, **fields: object) -> None:
    """Make a key and print it."""
    with _told():
        key, token = _key_file(file).create(**fields)
    if as_json:
        print_json({**_document(key), "key": str(token)})
    else:
        print(token)  # noqa: T201 - the output
        typer.echo(f"Key {key.id} ({key.name}); keep it, it is not shown again.", err=True)


def show(file: str | None, *, as_json: bool) -> None:
    """List the keys."""
    with _told():
        keys = _key_file(file).read()
    if as_json:
        print_json([_document(key) for key in keys])
        return
    for key in keys:
        print("  ".join(_line(key)))  # noqa: T201 - the output


def revoke(file: str | None, key_id: str, *, as_json: bool) -> None:
    """Revoke a key."""
    with _told():
        key = _key_file(file).revoke(key_id)
    if as_json:
        print_json(_document(key))
    else:
        print(f"{key.id}  revoked  {key.name}")  # noqa: T201 - the output


def listed(values: list[str] | None) -> tuple[str, ...]:
    """Return the parts of a repeatable option, each of which may be a list with ';' in it."""
    return tuple(part.strip() for value in values or () for part in value.split(";") if part.strip())


def _key_file(file: str | None) -> KeyFile:
    return KeyFile(Path(file) if file else settings_from_environment().keys_file)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UnusableKeyFile as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--keys") from None
    except NoSuchKey as wrong:
        raise typer.BadParameter(
            f"there is no key {wrong}; see `postroom key list`", param_hint="ID"
        ) from None
    except ValidationError as wrong:
        error = wrong.errors(include_input=False, include_url=False, include_context=False)[0]
        raise typer.BadParameter(str(error["msg"]), param_hint=str(error["loc"][0])) from None


def _document(key: Key) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = key.model_dump(mode="json", exclude={"digest"})
    return found


def _line(key: Key) -> Iterator[str]:
    yield key.id
    yield "revoked" if key.revoked_at else "valid  "
    yield f"{key.rate:g}/s, {key.burst} at once"
    yield ",".join(key.lanes)
    yield f"account {key.account}" if key.account else "any account"
    yield key.name
