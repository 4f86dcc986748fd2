"""From an operator's settings to what writes the mails, or to a sentence about the setting that is wrong."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import SecretStr

from tasks.delivery.letters import NoLetters
from tasks.password_reset.adapters.asking import Asker, NoAnswer
from tasks.password_reset.adapters.csv_directory import CsvDirectory
from tasks.password_reset.adapters.http_provider import Endpoint, HttpDirectory, HttpIssuer
from tasks.password_reset.adapters.keycloak import Keycloak, KeycloakDirectory
from tasks.password_reset.adapters.signed_links import SignedLinks
from tasks.password_reset.letters import House, ResetLetters
from tasks.password_reset.notices import Staff
from tasks.password_reset.settings import ResetSettings
from tasks.templating.catalogue import Catalogue, TemplateProblem
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.delivery.letters import Letters
    from tasks.journal.audit import Audited
    from tasks.password_reset.ports import Directory, LinkIssuer

Recall: TypeAlias = "Callable[[str], Audited | None]"

_SETTING: Final = "POSTROOM_RESETS__"
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def letters_of(settings: ResetSettings, *, recall: Recall = lambda _: None) -> Letters:
    """
    Return what writes the mails of password resets, tried with sample values.

    *recall* finds the record of a reset by its mail's id.

    Raises:
        ValueError: a setting is wrong; the text names it and says what is expected, and repeats no secret.
    """
    if not settings.is_used:
        return NoLetters()
    house = House(
        _required(settings, "product"),
        _required(settings, "support"),
        staff_of(settings),
        answers_strangers=settings.answers_strangers,
        answers_inactive=settings.answers_inactive,
    )
    directory: Directory = _made("directory", settings.directory, _DIRECTORIES, settings)
    issuer: LinkIssuer = _made("issuer", settings.issuer, _ISSUERS, settings)
    return ResetLetters(directory, issuer, _tried(settings.templates), house, recall)


def staff_of(settings: ResetSettings) -> Staff:
    """
    Return where actors are told of resets that failed.

    Raises:
        ValueError: the domain is none.
    """
    domain = settings.actor_domain
    if domain and not _DOMAIN.fullmatch(domain):
        raise ValueError(_at("actor_domain", f"{domain!r} is no domain; expected one such as example.org"))
    return Staff(domain, settings.actor_locale)


def _csv(settings: ResetSettings) -> Directory:
    return CsvDirectory(_required(settings, "directory_file"))


def _sql(settings: ResetSettings) -> Directory:
    # Imported here: SQLAlchemy is big, and most workers have no use for it.
    from tasks.password_reset.adapters.sql_directory import SqlDirectory  # noqa: PLC0415

    return SqlDirectory(_required(settings, "database_url"), _required(settings, "database_statement"))


def _signed(settings: ResetSettings) -> LinkIssuer:
    return SignedLinks(_required(settings, "link_base"), _secret_of(settings, "link_secret")())


def _http(settings: ResetSettings) -> Directory:
    return HttpDirectory(_endpoint(settings, "directory_url"))


def _http_links(settings: ResetSettings) -> LinkIssuer:
    return HttpIssuer(_endpoint(settings, "issuer_url"))


def _endpoint(settings: ResetSettings, name: str) -> Endpoint:
    return Endpoint(_required(settings, name), settings.token_file, asker=_asker(settings))


def _keycloak(settings: ResetSettings) -> Directory:
    secret = _secret_of(settings, "keycloak_client_secret")
    url, realm, client = (_required(settings, f"keycloak_{name}") for name in ("url", "realm", "client_id"))

    def current() -> SecretStr:
        try:
            return secret()
        except ValueError as wrong:
            raise NoAnswer(str(wrong)) from None

    return KeycloakDirectory(Keycloak(url, realm, client, current, _asker(settings)))


def _asker(settings: ResetSettings) -> Asker:
    try:
        return Asker(settings.ca_file)
    except ValueError as wrong:
        raise ValueError(_at("ca_file", str(wrong))) from None


_DIRECTORIES: Final[dict[str, Callable[[ResetSettings], Any]]] = {
    "csv": _csv,
    "sql": _sql,
    "http": _http,
    "keycloak": _keycloak,
}
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


def _secret_of(settings: ResetSettings, name: str) -> Callable[[], SecretStr]:
    """Return what tells the secret *name*, from its file where there is one: read now, and each time."""
    given: SecretStr | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if file is None:
        found: SecretStr = _required(settings, name)
        return lambda: found
    if given is not None:
        raise ValueError(_at(name, f"is set beside {_SETTING}{name.upper()}_FILE; remove one of them"))
    _first_line(file, name)
    return lambda: _first_line(file, name)


def _first_line(file: Path, name: str) -> SecretStr:
    try:
        line = file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(_at(f"{name}_file", f"{file} cannot be read")) from None
    if not line:
        raise ValueError(_at(f"{name}_file", f"the first line of {file} is empty; write the secret there"))
    return SecretStr(line)


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
