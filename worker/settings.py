"""The worker's settings: what an operator can set."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.contract.places import check, is_rabbitmq, is_redis
from tasks.delivery.accounts import Account
from tasks.journal.logbook.shelf import default_folder
from tasks.journal.sealing_keys import FILE_SETTING, KEYS_SETTING, as_keys, parse_keys, read_keys
from tasks.password_reset.settings import ResetSettings

#: What the names of environment variables begin with.
PREFIX: Final = "POSTROOM_"


def _listed(value: object) -> object:
    """Accept "/a;/b" beside a list: environment variables have no lists."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return value


def _keys(value: object) -> object:
    """Accept "key;key" beside a list, and keys only; none of them is ever shown."""
    if isinstance(value, str):
        return parse_keys(value)
    if isinstance(value, list | tuple) and all(isinstance(key, str | SecretStr) for key in value):
        return as_keys(value)
    return value


def _named(value: object) -> object:
    """Give each account the name under which it stands."""
    if not isinstance(value, dict):
        return value
    return {
        name: {"name": name, **account} if isinstance(account, dict) else account
        for name, account in value.items()
    }


class Settings(BaseSettings):
    """
    Everything that an operator can set; docs/reference/settings.md lists it.

    Each name is an environment variable with the prefix POSTROOM_; parts of nested names are joined by two
    underscores (POSTROOM_ACCOUNTS__default__HOST). Secret
    files count as variables of the same name.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        # Values from the environment are parsed by the fields' own validators, never as JSON.
        enable_decoding=False,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    mode: Literal["development", "production"] = Field(
        default="development",
        description="In production a worker does not start while mail could be lost or a secret shown.",
    )
    tolerate: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Checks whose errors do not keep a worker from starting; ';' between them."
    )
    broker_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("POSTROOM_BROKER_URL", "CELERY_BROKER_URL"),
        description="The queue.",
        repr=False,
    )
    result_backend: str = Field(
        default="",
        validation_alias=AliasChoices("POSTROOM_RESULT_BACKEND", "CELERY_RESULT_BACKEND"),
        description="Where results are stored; else the broker, or the journal where that is RabbitMQ.",
        repr=False,
    )
    journal_url: str = Field(
        default="",
        description="The Redis or Valkey that keeps the journal; the broker where it is empty.",
        repr=False,
    )
    accounts: Annotated[dict[str, Account], BeforeValidator(_named)] = Field(
        default_factory=dict, description="The credential records, by name."
    )
    default_account: str = Field(default="default", description="Serves messages that name no account.")
    attachment_roots: Annotated[tuple[Path, ...], BeforeValidator(_listed)] = Field(
        default=(), description="Folders below which attachments may lie; ';' between them."
    )
    blocked_attachments: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(), description="File name endings that are refused, such as .exe; ';' between them."
    )
    max_message_bytes: int = Field(
        default=10 * 1024 * 1024, ge=1024, description="Size of the largest finished message."
    )
    ca_folder: Path | None = Field(
        default=None, description="Where messages may name CA bundles (smtp_ssl_trust ca:<file>)."
    )
    sealing_keys: Annotated[tuple[SecretStr, ...], BeforeValidator(_keys)] = Field(
        default=(), description="What parameters are sealed with: the first key seals, all of them open."
    )
    sealing_keys_file: Path | None = Field(
        default=None, description="A file with the keys, one on each line, read when the worker starts."
    )
    require_sealed: bool = Field(
        default=False, description="Whether messages with plain parameters are refused (602)."
    )
    concurrency: int = Field(
        default=32, ge=1, le=1000, description="Connections over which one process sends at a time."
    )
    connections: int = Field(
        default=8, ge=1, le=1000, description="How many of them may be to the server of one account."
    )
    trims: bool = Field(
        default=True, description="Whether to use Redis more sparingly than Celery does (docs/dispatcher.md)."
    )
    resets: ResetSettings = Field(
        default_factory=ResetSettings, description="Who the users are whose passwords are reset."
    )
    lease: float = Field(
        default=15.0, ge=3.0, le=25.0, description="Seconds that a dead worker keeps a mail."
    )
    patience: float = Field(
        default=20.0, ge=1.0, description="Seconds after which a message that no worker met counts as lost."
    )
    retention: float = Field(default=24 * 3600.0, ge=60.0, description="Seconds that a result is kept.")
    sweep_interval: float = Field(default=1.0, gt=0.0, description="Seconds between looks for stray mails.")
    watchdog: float = Field(
        default=60.0,
        ge=0.0,
        description="Seconds after which a worker that no longer consumes ends itself; 0 is never.",
    )
    logbooks: str = Field(
        default="auto",
        description="Folder in which a worker process notes what it does with its mails, for who cleans up "
        "when it dies; `auto` is in memory or in the temporary folder, `off` is none.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    heartbeat_file: Path | None = Field(
        default=None, description="Touched while the worker is alive, for health checks."
    )

    @field_validator("broker_url", "result_backend", "journal_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if url:
            check(url)
        return url

    @model_validator(mode="after")
    def _journal_needs_redis(self) -> Self:
        if not is_redis(self.journal):
            raise ValueError(
                f"{PREFIX}JOURNAL_URL: must be a redis://, rediss://, unix:// or sentinel:// URL, since the "
                "broker is no Redis"
            )
        return self

    @model_validator(mode="after")
    def _seal_has_one_source(self) -> Self:
        if self.sealing_keys and self.sealing_keys_file:
            raise ValueError(f"{KEYS_SETTING}: is set beside {FILE_SETTING}; remove one of them")
        try:
            keys = self.seal_keys
        except ValueError as unusable:
            raise ValueError(f"{FILE_SETTING}: {unusable}") from None
        if self.require_sealed and not keys:
            raise ValueError(f"{PREFIX}REQUIRE_SEALED: needs a key in {KEYS_SETTING} or {FILE_SETTING}")
        return self

    @cached_property
    def seal_keys(self) -> tuple[SecretStr, ...]:
        """The keys, wherever they are: read once, so that all processes of a worker have the same."""
        return read_keys(self.sealing_keys_file) if self.sealing_keys_file else self.sealing_keys

    @property
    def journal(self) -> str:
        """The URL of the journal's Redis."""
        return self.journal_url or self.broker_url

    @property
    def logbook_folder(self) -> Path | None:
        """Where logbooks lie, None for none."""
        if self.logbooks == "off":
            return None
        return default_folder() if self.logbooks == "auto" else Path(self.logbooks)

    @property
    def results(self) -> str:
        """The URL of the result backend."""
        return self.result_backend or (self.journal if is_rabbitmq(self.broker_url) else self.broker_url)
