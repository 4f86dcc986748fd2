"""What `postroom web` does once its options are read."""

from __future__ import annotations

import os

import typer
from pydantic import ValidationError

from producers.cli import connection
from producers.hooks.settings import HooksSettings
from producers.web.keyfile import KeyFile, UnusableKeyFile
from producers.web.settings import WebSettings
from tasks.contract.wording import complaint


def run(**options: object) -> None:
    """
    Serve with the settings of the environment, in which *options* win.

    Raises:
        typer.BadParameter: a setting is wrong.
    """
    # The environment is where every process of the gateway looks.
    os.environ.update({f"POSTROOM_{name.upper()}": str(v) for name, v in options.items() if v is not None})
    settings = settings_from_environment()
    hooks_settings_from_environment()
    connection.urls(None, None)
    connection.reset_limits()
    _check_files(settings)
    from producers.web.serving import serve  # noqa: PLC0415 - it must not be imported before wrong settings are told

    serve(settings)


def settings_from_environment() -> WebSettings:
    """
    Return the settings of the gateway.

    Raises:
        typer.BadParameter: one of them is wrong; its value is not repeated.
    """
    try:
        return WebSettings()
    except ValidationError as wrong:
        raise _wrong_setting(wrong, "POSTROOM_WEB_") from None


def hooks_settings_from_environment() -> HooksSettings:
    """
    Return the settings of the senders.

    Raises:
        typer.BadParameter: one of them is wrong; its value is not repeated.
    """
    try:
        return HooksSettings()
    except ValidationError as wrong:
        raise _wrong_setting(wrong, "POSTROOM_HOOKS_") from None


def _wrong_setting(wrong: ValidationError, prefix: str) -> typer.BadParameter:
    error = wrong.errors(include_input=False, include_url=False)[0]
    where = str(error["loc"][0]).upper()
    name = where if where.startswith("POSTROOM_") else prefix + where
    return typer.BadParameter(complaint(error), param_hint=name)


def _check_files(settings: WebSettings) -> None:
    try:
        keys = KeyFile(settings.keys_file).read()
        settings.metrics_token()
    except (UnusableKeyFile, ValueError) as wrong:
        raise typer.BadParameter(str(wrong), param_hint="settings") from None
    if all(key.revoked_at for key in keys):
        typer.echo(
            f"{settings.keys_file} has no valid API key; `postroom key create NAME` makes one", err=True
        )
