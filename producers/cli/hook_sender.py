"""What `postroom hooks run` does, once its options are read."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import typer

from producers.cli import connection
from producers.cli.gateway import hooks_settings_from_environment, settings_from_environment
from producers.connections import connect
from producers.hooks.addresses import Addresses
from producers.hooks.deliveries import Deliveries
from producers.hooks.posting import Poster
from producers.hooks.sender import Sender
from producers.web.keyfile import KeyFile, UnusableKeyFile
from producers.web.keyring import Keyring
from producers.web.logs import set_up

if TYPE_CHECKING:
    from pathlib import Path

    from producers.hooks.settings import HooksSettings


def run(**options: object) -> None:
    """
    Deliver with the settings of the environment, in which *options* win.

    Raises:
        typer.BadParameter: a setting is wrong.
    """
    os.environ.update({f"POSTROOM_{name.upper()}": str(v) for name, v in options.items() if v is not None})
    settings = hooks_settings_from_environment()
    keys_file = settings_from_environment().keys_file
    journal_url = connection.urls(None, None)[1]
    try:
        keyring = Keyring(KeyFile(keys_file))
    except UnusableKeyFile as wrong:
        raise typer.BadParameter(str(wrong), param_hint="settings") from None
    _warn(keys_file, keyring)
    set_up(settings)
    asyncio.run(_send(settings, journal_url, keyring))


async def _send(settings: HooksSettings, journal_url: str, keyring: Keyring) -> None:
    redis = connect(journal_url)
    sender = Sender(
        Deliveries(redis, options=settings.options),
        keyring=keyring,
        poster=Poster(Addresses(settings.networks), timeout=settings.timeout),
        grace=settings.grace,
        heartbeat=settings.heartbeat_file,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, sender.stop)
    try:
        await sender.run()
    finally:
        redis.close()


def _warn(file: Path, keyring: Keyring) -> None:
    if not any(key.webhook for key in keyring.valid()):
        typer.echo(f"no valid API key in {file} has a webhook; `postroom hooks set` gives one", err=True)
