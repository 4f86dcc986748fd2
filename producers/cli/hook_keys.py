"""What `postroom hooks` does to API keys: giving, changing and taking away their webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from producers.cli.keys import document, key_file, told
from producers.cli.output import print_json
from producers.errors import NoWebhook
from producers.web.webhook import ENDS, Webhook, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from producers.web.keys import Key
    from tasks.contract.status import MailState


def change_address(
    file: str | None, key_id: str, url: str, states: list[MailState] | None, *, as_json: bool
) -> None:
    """Give a key a webhook, or its webhook another address."""

    def change(key: Key) -> Key:
        before = key.webhook
        chosen = tuple(states) if states else (before.states if before else ENDS)
        secrets = before.secrets if before else ({"secret": new_secret()},)
        webhook = Webhook.model_validate({"url": url, "states": chosen, "secrets": secrets})
        return key.model_copy(update={"webhook": webhook})

    _change(file, key_id, change, as_json=as_json)


def rotate(file: str | None, key_id: str, hours: float, *, as_json: bool) -> None:
    """Give a key's webhook a new secret."""

    def change(key: Key) -> Key:
        if key.webhook is None:
            raise NoWebhook(key_id)
        now = datetime.now(UTC).replace(microsecond=0)
        rotated = key.webhook.rotated(now, keep=timedelta(hours=hours), make=new_secret)
        return key.model_copy(update={"webhook": rotated})

    _change(file, key_id, change, as_json=as_json)


def remove(file: str | None, key_id: str, *, as_json: bool) -> None:
    """Take a key's webhook away."""
    _change(file, key_id, lambda key: key.model_copy(update={"webhook": None}), as_json=as_json)


def _change(file: str | None, key_id: str, change: Callable[[Key], Key], *, as_json: bool) -> None:
    """Change a key, and print the newest secret if it is new."""
    known: set[str] = set()

    def noting(key: Key) -> Key:
        known.update(_secrets(key))
        return change(key)

    with told():
        key = key_file(file).change(key_id, noting)
    new = next((secret for secret in _secrets(key) if secret not in known), None)
    if as_json:
        print_json({**document(key), **({"webhook_secret": new} if new else {})})
        return
    if new:
        print(new)  # noqa: T201 - the output
    what = "keep the secret, it is not shown again" if new else "the secret is as before"
    typer.echo(
        f"Key {key.id} ({key.name}) {f'has a webhook; {what}' if key.webhook else 'has no webhook'}.",
        err=True,
    )


def _secrets(key: Key) -> list[str]:
    return [each.secret.get_secret_value() for each in key.webhook.secrets] if key.webhook else []
