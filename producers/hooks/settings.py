"""The settings of the senders of webhooks: the only module of them that reads the environment."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from producers.hooks.deliveries import DeliveryOptions

if TYPE_CHECKING:
    from producers.hooks.addresses import Network

#: Seconds that a lease lasts beyond the longest attempt.
_MARGIN = 5.0


class HooksSettings(BaseSettings):
    """What `POSTROOM_HOOKS_*` of the environment and of `.env` say; times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_HOOKS_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    timeout: float = Field(
        default=15.0, gt=0, le=120, description="How long an attempt may take, from the name to the status."
    )
    at_once: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Deliveries to one receiver that are under way at once, over all senders; a receiver "
        "that fails gets one.",
    )
    allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Networks beside the public ones that may be posted to, such as `10.1.0.0/16`, with `;` "
        "between them.",
    )
    disable_after: float = Field(
        default=3 * 24 * 3600.0, gt=0, description="How long a receiver may fail before it is disabled."
    )
    retention: float = Field(
        default=7 * 24 * 3600.0,
        ge=2 * 24 * 3600.0,
        description="How long deliveries are listed and replayable.",
    )
    grace: float = Field(
        default=3.0, ge=0, le=120, description="How long attempts under way may take after SIGTERM."
    )
    heartbeat_file: Path | None = Field(
        default=None,
        description="A file that a sender touches as long as it reaches the journal, for health checks.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        validation_alias=AliasChoices("POSTROOM_HOOKS_LOG_LEVEL", "POSTROOM_LOG_LEVEL"),
        description="INFO has a line for each attempt.",
    )
    log_format: Literal["json", "console"] = Field(
        default="json",
        validation_alias=AliasChoices("POSTROOM_HOOKS_LOG_FORMAT", "POSTROOM_LOG_FORMAT"),
        description="Lines for machines, or for people.",
    )

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(";") if part.strip())

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, text in enumerate(value, start=1):
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ValueError(
                    f"entry {number} is no network; write it as 10.1.0.0/16, with no bits behind the prefix"
                ) from None
        return value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that are allowed."""
        return tuple(ipaddress.ip_network(text) for text in self.allowed_networks)

    @property
    def options(self) -> DeliveryOptions:
        """How deliveries are kept and shared out."""
        return DeliveryOptions(
            lease=self.timeout + _MARGIN,
            retention=self.retention,
            patience=self.disable_after,
            at_once=self.at_once,
        )
