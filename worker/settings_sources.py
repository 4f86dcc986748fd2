"""Reading the settings: environment, `.env`, secret files and a TOML file, in this order of precedence."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsError,
    TomlConfigSettingsSource,
)

from tasks.contract.wording import complaint
from worker.settings import PREFIX, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails


class InvalidSettings(Exception):
    """The configuration cannot be used; the text names each setting, what is wrong and what is expected."""


def load(*, environment_file: Path, configuration: Path, secrets_folder: Path) -> Settings:
    """
    Read the settings of this process from its environment and from three places that need not exist.

    Raises:
        InvalidSettings: with one line for each setting that is wrong.
    """

    class Sources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            secrets = NestedSecretsSettingsSource(
                file_secret_settings,
                secrets_dir=secrets_folder,
                secrets_dir_missing="ok",
                secrets_prefix=PREFIX,
                secrets_nested_delimiter="__",
            )
            toml = TomlConfigSettingsSource(settings_cls, configuration)
            return init_settings, env_settings, dotenv_settings, secrets, toml

    try:
        return Sources(_env_file=environment_file)
    except ValidationError as invalid:
        raise InvalidSettings(
            "\n".join(_line(error) for error in invalid.errors(include_input=False))
        ) from None
    except tomllib.TOMLDecodeError as broken:
        raise InvalidSettings(f"{configuration}: {broken}") from None
    except (SettingsError, OSError) as unreadable:
        raise InvalidSettings(str(unreadable)) from None


def _line(error: ErrorDetails) -> str:
    place = "__".join(str(part) for part in error["loc"])
    name = place if place.startswith((PREFIX, "CELERY_")) else PREFIX + place.upper()
    message = complaint(error)
    return f"{name}: {message}" if place else message
