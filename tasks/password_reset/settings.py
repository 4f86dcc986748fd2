"""What an operator says of password resets, and the letters made from it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.delivery.letters import NoLetters
from tasks.password_reset.adapters.csv_directory import CsvDirectory
from tasks.password_reset.adapters.http_provider import Endpoint, HttpDirectory, HttpIssuer
from tasks.password_reset.adapters.signed_links import SignedLinks
from tasks.password_reset.letters import House, ResetLetters
from tasks.templating.catalogue import Catalogue, TemplateProblem
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.delivery.letters import Letters
    from tasks.password_reset.ports import Directory, LinkIssuer

_SETTING: Final = "POSTROOM_RESETS__"


class ResetSettings(BaseModel):
    """Password resets: who the users are, who issues the links, and in whose name the mails are."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    directory: str = Field(
        default="",
        description="Who knows the users: csv, sql, http, or package.module:Class; resets need one.",
    )
    directory_file: Path | None = Field(default=None, description="The file of the csv directory.")
    database_url: SecretStr | None = Field(
        default=None, description="The database of the sql directory, as SQLAlchemy writes it."
    )
    database_statement: str = Field(
        default="",
        description="The SELECT that finds the user by :identifier, with the columns user and email.",
    )
    directory_url: str = Field(
        default="", description="The endpoint of the http directory, which is posted the identifier."
    )
    token_file: Path | None = Field(
        default=None, description="A file with the bearer token for http endpoints, read anew each time."
    )
    issuer: str = Field(
        default="signed", description="Who issues the links: signed, http, or package.module:Class."
    )
    issuer_url: str = Field(
        default="", description="The endpoint of the http issuer, which is posted user and ttl."
    )
    link_base: str = Field(
        default="", description="What signed links begin with, such as https://accounts.example.org/reset."
    )
    link_secret: SecretStr | None = Field(
        default=None, description="What signed links are signed with: at least 32 characters."
    )
    link_secret_file: Path | None = Field(
        default=None, description="A file whose first line is that secret, read when the worker starts."
    )
    templates: Path | None = Field(
        default=None, description="A folder with templates of your own, laid out as the shipped ones."
    )
    product: str = Field(default="", description="What the accounts belong to, as mails call it.")
    support: str = Field(default="", description="Where users ask for help, as mails name it.")
    answers_strangers: bool = Field(
        default=False, description="Whether an address without an account gets a mail that says so."
    )
    answers_inactive: bool = Field(
        default=True, description="Whether a user whose account cannot be reset gets a mail that says so."
    )

    @property
    def is_used(self) -> bool:
        """Whether this worker is to send password resets."""
        return bool(self.directory)


def letters_of(settings: ResetSettings) -> Letters:
    """
    Return what writes the mails of password resets, tried with sample values.

    Raises:
        ValueError: a setting is wrong; the text names it and says what is expected, and repeats no secret.
    """
    if not settings.is_used:
        return NoLetters()
    house = House(
        _required(settings, "product"),
        _required(settings, "support"),
        answers_strangers=settings.answers_strangers,
        answers_inactive=settings.answers_inactive,
    )
    directory: Directory = _made("directory", settings.directory, _DIRECTORIES, settings)
    issuer: LinkIssuer = _made("issuer", settings.issuer, _ISSUERS, settings)
    return ResetLetters(directory, issuer, _tried(settings.templates), house)


def _csv(settings: ResetSettings) -> Directory:
    return CsvDirectory(_required(settings, "directory_file"))


def _sql(settings: ResetSettings) -> Directory:
    # Imported here: SQLAlchemy is big, and most workers have no use for it.
    from tasks.password_reset.adapters.sql_directory import SqlDirectory  # noqa: PLC0415

    return SqlDirectory(_required(settings, "database_url"), _required(settings, "database_statement"))


def _signed(settings: ResetSettings) -> LinkIssuer:
    return SignedLinks(_required(settings, "link_base"), _secret(settings))


def _http(settings: ResetSettings) -> Directory:
    return HttpDirectory(Endpoint(_required(settings, "directory_url"), settings.token_file))


def _http_links(settings: ResetSettings) -> LinkIssuer:
    return HttpIssuer(Endpoint(_required(settings, "issuer_url"), settings.token_file))


_DIRECTORIES: Final[dict[str, Callable[[ResetSettings], Any]]] = {"csv": _csv, "sql": _sql, "http": _http}
_ISSUERS: Final[dict[str, Callable[[ResetSettings], Any]]] = {"signed": _signed, "http": _http_links}


def _made(
    name: str, chosen: str, known: dict[str, Callable[[ResetSettings], Any]], settings: ResetSettings
) -> Any:
    make = known.get(chosen) or _imported(name, chosen, ", ".join(known))
    try:
        return make(settings)
    except ValueError as wrong:
        raise ValueError(str(wrong) if _SETTING in str(wrong) else _at(name, str(wrong))) from None


def _imported(name: str, path: str, known: str) -> Callable[[ResetSettings], Any]:
    module, _, attribute = path.partition(":")
    if not (module and attribute):
        raise ValueError(_at(name, f"{path!r} is neither {known} nor a path such as package.module:Class"))
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(_at(name, f"{path!r} cannot be imported ({error})")) from None
    return lambda _: found()


def _required(settings: ResetSettings, name: str) -> Any:
    value = getattr(settings, name)
    if not value:
        description = ResetSettings.model_fields[name].description
        raise ValueError(_at(name, f"is needed for password resets. {description}"))
    return value


def _secret(settings: ResetSettings) -> SecretStr:
    file = settings.link_secret_file
    if file is None:
        found: SecretStr = _required(settings, "link_secret")
        return found
    if settings.link_secret is not None:
        raise ValueError(_at("link_secret", f"is set beside {_SETTING}LINK_SECRET_FILE; remove one of them"))
    try:
        return SecretStr(file.read_text(encoding="utf-8").split("\n", 1)[0].strip())
    except (OSError, UnicodeDecodeError):
        raise ValueError(_at("link_secret_file", f"{file} cannot be read")) from None


def _tried(folder: Path | None) -> Catalogue:
    if folder is not None and not folder.is_dir():
        raise ValueError(_at("templates", f"{folder} is no folder"))
    catalogue = Catalogue(folder)
    try:
        for name in catalogue.names():
            for locale in catalogue.locales(name):
                catalogue.render(name, SAMPLE, locale=locale)
    except TemplateProblem as problem:
        raise ValueError(_at("templates", str(problem))) from None
    return catalogue


def _at(name: str, what: str) -> str:
    return f"{_SETTING}{name.upper()}: {what}"
