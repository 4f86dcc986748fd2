"""Which gateway mails go through, if any, and with which API key: options, environment, `.env`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.client import Mailer
from producers.over_http.address import parse_address, parse_key, place_of


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    url: str = Field(default="", repr=False)
    api_key: SecretStr = SecretStr("")
    api_key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """A gateway that can be asked, and the API key for it."""

    url: str
    key: SecretStr

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return place_of(self.url)

    def mailer(self) -> Mailer:
        """Return a client that speaks to it."""
        return Mailer(self.url, key=self.key)


def remote(
    *, url: str | None, key_file: str | None, broker: str | None = None, journal: str | None = None
) -> Remote | None:
    """
    Return the gateway that the options or the environment name; None where mails go into the queue.

    A queue that is named in the options wins over a gateway that the environment names.

    Raises:
        typer.BadParameter: the URL or the key cannot be used, or not together; neither is repeated.
    """
    is_queue_named = bool(broker or journal)
    if url and is_queue_named:
        raise _unusable("--url", "is given beside --broker or --journal; a gateway has a queue of its own")
    settings = _Settings()
    wanted = url or ("" if is_queue_named else settings.url)
    if wanted:
        return _usable(wanted, "--url" if url else "POSTROOM_URL", key_file, settings)
    if key_file:
        raise _unusable("--key-file", "needs a gateway: give its URL with --url")
    return None


def _usable(url: str, named: str, key_file: str | None, settings: _Settings) -> Remote:
    try:
        address = parse_address(url)
    except ValueError as wrong:
        raise _unusable(named, str(wrong)) from None
    text, option = _key(key_file, settings)
    try:
        return Remote(address, parse_key(text))
    except ValueError as wrong:
        raise _unusable(option, str(wrong)) from None


def _key(key_file: str | None, settings: _Settings) -> tuple[SecretStr, str]:
    """Return the API key, and what named it."""
    given, file = settings.api_key, settings.api_key_file
    if key_file:
        return _read(Path(key_file), "--key-file"), "--key-file"
    if given.get_secret_value() and file:
        raise _unusable("POSTROOM_API_KEY", "is set beside POSTROOM_API_KEY_FILE; remove one of them")
    if file:
        return _read(file, "POSTROOM_API_KEY_FILE"), "POSTROOM_API_KEY_FILE"
    return given, "--key-file or POSTROOM_API_KEY"


def _read(file: Path, option: str) -> SecretStr:
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise _unusable(option, f"the file cannot be read ({reason})") from None


def _unusable(option: str, why: str) -> typer.BadParameter:
    return typer.BadParameter(why, param_hint=option)
