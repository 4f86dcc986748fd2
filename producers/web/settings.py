"""The settings of the HTTP gateway: the only module of it that reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.contract.limits import MAX_REQUEST


class WebSettings(BaseSettings):
    """What `POSTROOM_WEB_*` of the environment and of `.env` say; times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_WEB_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    host: str = Field(
        default="127.0.0.1",
        description="Where the gateway listens. Other than loopback only behind a proxy that speaks TLS.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Its port; 0 lets the system choose one.")
    workers: int = Field(default=1, ge=1, le=64, description="How many processes answer.")
    keys_file: Path = Field(
        default=Path("postroom-keys.json"),
        description="The file of `postroom key`; read anew whenever it changes.",
    )
    max_body_bytes: int = Field(
        default=MAX_REQUEST, ge=1024, description="The largest body of a request; attachments count too."
    )
    max_buffered_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1024,
        description="What the bodies of all requests under way may take together; above, the answer is 503.",
    )
    max_batch: int = Field(default=500, ge=1, le=5000, description="The most mails of one batch.")
    max_connections: int = Field(
        default=2000, ge=1, description="Connections that a process holds; it closes what comes above."
    )
    head_timeout: float = Field(
        default=10.0, gt=0, le=300, description="How long a client may take to send a request's headers."
    )
    body_timeout: float = Field(
        default=30.0, gt=0, le=3600, description="How long a client may take to send a request's body."
    )
    keep_alive: float = Field(
        default=20.0, gt=0, le=3600, description="How long a connection is kept without a request."
    )
    max_wait: float = Field(
        default=30.0, ge=0, le=300, description="The longest that `?wait=` holds an answer back."
    )
    grace: float = Field(
        default=20.0, gt=0, le=300, description="How long requests under way may take after SIGTERM."
    )
    pages: bool = Field(
        default=True,
        description="Whether there are pages for people: `/emails`, where they sign in with an API key.",
    )
    inbox: Path | None = Field(
        default=None,
        description="In development: the mail catcher's folder, which `/inbox` shows on this machine.",
    )
    mode: Literal["development", "production"] = Field(
        default="production",
        validation_alias=AliasChoices("POSTROOM_MODE"),
        description="There is no inbox but in `development`, which must be said.",
    )
    metrics_token_file: Path | None = Field(
        default=None,
        description="A file with the token that `/metrics` asks for; there are no metrics without it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        validation_alias=AliasChoices("POSTROOM_WEB_LOG_LEVEL", "POSTROOM_LOG_LEVEL"),
        description="INFO has a line for each request.",
    )
    log_format: Literal["json", "console"] = Field(
        default="json",
        validation_alias=AliasChoices("POSTROOM_WEB_LOG_FORMAT", "POSTROOM_LOG_FORMAT"),
        description="Lines for machines, or for people.",
    )

    def metrics_token(self) -> SecretStr | None:
        """
        Return the token for `/metrics`, None where there is none.

        Raises:
            ValueError: the file cannot be read, or is empty.
        """
        if self.metrics_token_file is None:
            return None
        try:
            token = self.metrics_token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise ValueError(f"POSTROOM_WEB_METRICS_TOKEN_FILE cannot be read ({reason})") from None
        if not token:
            raise ValueError("POSTROOM_WEB_METRICS_TOKEN_FILE is empty; write a random token into it")
        return SecretStr(token)
