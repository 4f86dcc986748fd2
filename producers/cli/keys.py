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
from producers.web.webhook import ENDS, new_secret
from tasks.contract.wording import complaint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from producers.web.keys import Key
    from tasks.contract.status import MailState


def create(file: str | None, *, as_json: bool, **fields: object) -> None:
    """Make a key and print it."""
    with told():
        key, token = key_file(file).create(**fields)
    secret = key.webhook.secrets[0].secret.get_secret_value() if key.webhook else None
    if as_json:
        print_json({**document(key), "key": str(token), **({"webhook_secret": secret} if secret else {})})
        return
    print(token)  # noqa: T201 - the output
    if secret:
        print(secret)  # noqa: T201 - the output
    kept = "it, and the secret of its webhook; they are" if secret else "it, it is"
    typer.echo(f"Key {key.id} ({key.name}); keep {kept} not shown again.", err=True)


def show(file: str | None, *, as_json: bool) -> None:
    """List the keys."""
    with told():
        keys = key_file(file).read()
    if as_json:
        print_json([document(key) for key in keys])
        return
    for key in keys:
        print("  ".join(_line(key)))  # noqa: T201 - the output


def revoke(file: str | None, key_id: str, *, as_json: bool) -> None:
    """Revoke a key."""
    with told():
        key = key_file(file).revoke(key_id)
    if as_json:
        print_json(document(key))
    else:
        print(f"{key.id}  revoked  {key.name}")  # noqa: T201 - the output


def new_webhook(url: str | None, states: list[MailState] | None) -> dict[str, object] | None:
    """
    Return the fields of a webhook with a new secret, None where there is no address.

    Raises:
        typer.BadParameter: there are states, and no address.
    """
    if url is None:
        if states:
            raise typer.BadParameter("needs --webhook", param_hint="--webhook-state")
        return None
    return {"url": url, "states": tuple(states or ENDS), "secrets": ({"secret": new_secret()},)}


def listed(values: list[str] | None) -> tuple[str, ...]:
    """Return the parts of a repeatable option, each of which may be a list with ';' in it."""
    return tuple(part.strip() for value in values or () for part in value.split(";") if part.strip())


def key_file(file: str | None) -> KeyFile:
    """Return the file of keys that the option or the settings name."""
    return KeyFile(Path(file) if file else settings_from_environment().keys_file)


@contextmanager
def told() -> Iterator[None]:
    """
    Tell what is wrong with keys as what is wrong with the command line.

    Raises:
        typer.BadParameter: something is.
    """
    try:
        yield
    except UnusableKeyFile as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--keys") from None
    except NoSuchKey as wrong:
        raise typer.BadParameter(
            f"there is no key {wrong}; see `postroom key list`", param_hint="ID"
        ) from None
    except ValidationError as wrong:
        error = wrong.errors(include_input=False, include_url=False)[0]
        raise typer.BadParameter(complaint(error), param_hint=str(error["loc"][0])) from None


def document(key: Key) -> dict[str, JsonValue]:
    """Return what a key may do as a JSON object, without what is secret."""
    secrets = {"secrets": {"__all__": {"secret"}}}
    found: dict[str, JsonValue] = key.model_dump(mode="json", exclude={"digest": True, "webhook": secrets})
    return found


def _line(key: Key) -> Iterator[str]:
    yield key.id
    yield "revoked" if key.revoked_at else "valid  "
    yield f"{key.rate:g}/s, {key.burst} at once"
    yield ",".join(key.lanes)
    yield f"account {key.account}" if key.account else "any account"
    if key.webhook:
        yield "webhook"
    yield key.name
