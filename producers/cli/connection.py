"""Where the queue is: options, environment, `.env` in the current folder, default."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer
from kombu.transport import TRANSPORT_ALIASES
from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.client import Mailer
from producers.connections import connect
from producers.password_reset.limit_settings import PREFIX, LimitSettings
from producers.password_reset.resets import Resets
from producers.quarantine import QuarantineRoom
from tasks.contract import places
from tasks.contract.sentinels import Sentinels
from tasks.contract.wording import complaint
from tasks.journal.sealing_keys import FILE_SETTING, KEYS_SETTING, parse_keys, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis


class Places(BaseSettings):
    """The URLs of broker and journal as the environment has them, which may hold passwords, and the keys."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("POSTROOM_BROKER_URL", "CELERY_BROKER_URL"),
        repr=False,
    )
    journal_url: str = Field(default="", repr=False)
    sealing_keys: SecretStr = SecretStr("")
    sealing_keys_file: Path | None = None
    lean_enqueue: bool = True

    @property
    def seal_keys(self) -> tuple[SecretStr, ...]:
        """
        The keys that the settings name, in the environment or in a file.

        Raises:
            typer.BadParameter: one of them is none; it is not repeated.
        """
        given, file = self.sealing_keys.get_secret_value(), self.sealing_keys_file
        if given and file:
            raise _unusable(KEYS_SETTING, f"is set beside {FILE_SETTING}; remove one of them")
        try:
            return read_keys(file) if file else parse_keys(given)
        except ValueError as wrong:
            raise _unusable(FILE_SETTING if file else KEYS_SETTING, str(wrong)) from None


def mailer(broker: str | None, journal: str | None) -> Mailer:
    """
    Return the client for the queue that the options or the environment name.

    Raises:
        typer.BadParameter: a URL or a sealing key cannot be used; it is not repeated.
    """
    broker_url, journal_url = urls(broker, journal)
    places = Places()
    return Mailer(
        broker_url, journal_url=journal_url, sealing_keys=places.seal_keys, is_lean=places.lean_enqueue
    )


def resets(broker: str | None, journal: str | None) -> Resets:
    """
    Return what asks for password resets in the queue that the options or the environment name.

    Raises:
        typer.BadParameter: a URL, a sealing key or a limit cannot be used; keys are not repeated.
    """
    broker_url, journal_url = urls(broker, journal)
    keys, found = Places().seal_keys, reset_limits()
    return Resets(
        broker_url,
        journal_url=journal_url,
        sealing_keys=keys,
        limits=found.limits,
        audit_retention=found.audit_retention,
    )


def reset_limits() -> LimitSettings:
    """
    Return the limits of password resets that the environment sets, and for how long they are on record.

    Raises:
        typer.BadParameter: one of them is no such number.
    """
    try:
        return LimitSettings()
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        raise _unusable(f"{PREFIX}{first['loc'][0]}".upper(), complaint(first)) from None


def quarantine(broker: str | None, journal: str | None) -> QuarantineRoom:
    """
    Return the quarantine beside the queue that the options or the environment name.

    Raises:
        typer.BadParameter: a URL or a sealing key cannot be used; it is not repeated.
    """
    broker_url, journal_url = urls(broker, journal)
    return QuarantineRoom(broker_url, journal_url=journal_url, sealing_keys=Places().seal_keys)


def journal(broker: str | None, journal_url: str | None) -> Redis:
    """
    Return a client of the journal that the options or the environment name.

    Raises:
        typer.BadParameter: a URL cannot be used; it is not repeated.
    """
    return connect(urls(broker, journal_url)[1])


def urls(broker: str | None, journal: str | None) -> tuple[str, str]:
    """
    Return the URLs of broker and journal that the options or the environment name.

    Raises:
        typer.BadParameter: one cannot be used; it is not repeated.
    """
    broker_url, journal_url = _urls(broker, journal)
    _check(broker_url, "--broker", {*TRANSPORT_ALIASES, "unix"})
    _check(journal_url, "--journal", places.REDIS_SCHEMES)
    return broker_url, journal_url


def place(broker: str | None, journal: str | None) -> str:
    """Return host and port of the journal, for messages; never what else its URL has."""
    url = _urls(broker, journal)[1]
    with suppress(ValueError):
        if places.is_sentinel(url):
            return str(Sentinels.parse(url))
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
    return "the journal"


def _urls(broker: str | None, journal: str | None) -> tuple[str, str]:
    """Return the URLs of broker and journal; a broker that is named here keeps its own journal."""
    found = Places()
    broker_url = broker or found.broker_url
    return broker_url, journal or ("" if broker else found.journal_url) or broker_url


def _unusable(setting: str, why: str) -> typer.BadParameter:
    return typer.BadParameter(why, param_hint=setting)


def _check(url: str, option: str, schemes: Iterable[str]) -> None:
    try:
        places.check(url)
        is_known = places.scheme_of(url) in schemes
    except ValueError as wrong:
        if places.is_sentinel(url):
            raise typer.BadParameter(str(wrong), param_hint=option) from None
        is_known = False
    if not is_known:
        raise typer.BadParameter(
            "is no URL that can be used; expected redis://[user:password@]host:port/database, with the "
            "special characters of a password percent-encoded; a broker that is no Redis needs --journal",
            param_hint=option,
        )
