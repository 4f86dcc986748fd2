"""The limits of password resets as an operator sets them, for the gateway and the command line."""

from __future__ import annotations

from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.password_reset.limits import ResetLimits
from tasks.journal.audit import RETENTION

PREFIX: Final = "POSTROOM_RESET_LIMITS_"
_DAY: Final = 24 * 3600.0
_USUAL: Final = ResetLimits()


class LimitSettings(BaseSettings):
    """What `POSTROOM_RESET_LIMITS_*` of the environment and of `.env` say."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    pause: float = Field(
        default=_USUAL.pause,
        gt=0,
        le=24 * 3600,
        description="Public requests: seconds in which an account gets one mail.",
    )
    per_day: int = Field(
        default=_USUAL.per_day, ge=1, description="Public requests: mails that an account gets in a day."
    )
    per_source: int = Field(
        default=_USUAL.per_source, ge=1, description="Public requests of one source in an hour."
    )
    overall: int = Field(default=_USUAL.overall, ge=1, description="Public requests of all in a minute.")
    per_target: int = Field(
        default=_USUAL.per_target, ge=1, description="Resets by the staff for one user in an hour."
    )
    per_actor: int = Field(
        default=_USUAL.per_actor, ge=1, description="Resets that one actor asks for in an hour."
    )

    audit_days: int = Field(
        default=round(RETENTION / _DAY),
        ge=1,
        le=3650,
        description="Days that the record of who asked for what is kept.",
    )

    @property
    def audit_retention(self) -> float:
        """Seconds that a record is kept."""
        return self.audit_days * _DAY

    @property
    def limits(self) -> ResetLimits:
        """The limits."""
        return ResetLimits(**self.model_dump(exclude={"audit_days"}))
