"""What `postroom template` does: mails of password resets, rendered with sample values."""

from __future__ import annotations

import mailbox
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import typer
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.cli.output import print_json
from tasks.templating.catalogue import Catalogue, TemplateProblem
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tasks.templating.catalogue import Rendered

_ALL: Final = "all"
_DOMAIN: Final = "example.org"


class HouseSettings(BaseSettings):
    """What the worker's settings say of its mails, where this machine has them."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_",
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    mode: Literal["development", "production"] = "development"
    product: str = Field(default=str(SAMPLE["product"]), validation_alias="POSTROOM_RESETS__PRODUCT")
    support: str = Field(default=str(SAMPLE["support"]), validation_alias="POSTROOM_RESETS__SUPPORT")
    templates: Path | None = Field(default=None, validation_alias="POSTROOM_RESETS__TEMPLATES")

    @property
    def values(self) -> Mapping[str, object]:
        """Sample values in the name of this house."""
        return {**SAMPLE, "product": self.product, "support": self.support}


@dataclass(frozen=True, slots=True)
class Order:
    """Which mails are to be looked at, and where they are to go."""

    name: str
    locale: str | None = None
    output: Path | None = None
    inbox: Path | None = None
    templates: Path | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail with sample values."""

    name: str
    mail: Rendered

    @property
    def title(self) -> str:
        """What its files are called, without their endings."""
        return f"{self.name}.{self.mail.locale}"

    def message(self) -> EmailMessage:
        """Return it as mail programs get it."""
        message = EmailMessage()
        message["From"] = f"postroom@{_DOMAIN}"
        message["To"] = f"ann@{_DOMAIN}"
        message["Subject"] = self.mail.subject
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = make_msgid(domain=_DOMAIN)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = self.mail.locale
        message.set_content(self.mail.text)
        message.add_alternative(self.mail.html, subtype="html")
        return message


def show_names(templates: Path | None, *, as_json: bool) -> None:
    """Say which mails there are, in which languages, and which of their files are the operator's own."""
    folder = _folder(templates, HouseSettings())
    catalogue = Catalogue(folder)
    found: list[dict[str, Any]] = [
        {"name": name, "locales": catalogue.locales(name), "own": _own_files(folder, name)}
        for name in catalogue.names()
    ]
    if as_json:
        print_json(list(found))
        return
    for each in found:
        own = "".join(f"\n    {file}" for file in each["own"])
        typer.echo(f"{each['name']}  {' '.join(each['locales'])}{own}")


def preview(order: Order, *, as_json: bool) -> None:
    """
    Render the mails that *order* names, and bring them where it says.

    Raises:
        typer.BadParameter: there is no such mail, a template cannot be used, or a folder cannot.
    """
    house = HouseSettings()
    catalogue = Catalogue(_folder(order.templates, house))
    previews = _rendered(catalogue, order, house)
    files = {each.title: _write(each, order.output) for each in previews} if order.output else {}
    if order.inbox:
        _deliver(previews, order.inbox, house)
    if as_json:
        print_json([_document(each, files.get(each.title, [])) for each in previews])
    elif not (order.output or order.inbox):
        typer.echo("\n\n".join(f"# {p.title}\nSubject: {p.mail.subject}\n\n{p.mail.text}" for p in previews))
    else:
        typer.echo("\n".join(_lines(previews, files, order)))


def _rendered(catalogue: Catalogue, order: Order, house: HouseSettings) -> list[Preview]:
    previews, problems = [], []
    for name in catalogue.names() if order.name == _ALL else [order.name]:
        for locale in [order.locale] if order.locale else catalogue.locales(name) or [""]:
            try:
                previews.append(Preview(name, catalogue.render(name, house.values, locale=locale)))
            except TemplateProblem as problem:
                problems.append(str(problem))
    if problems:
        raise typer.BadParameter("\n".join(problems), param_hint="NAME")
    return previews


def _folder(templates: Path | None, house: HouseSettings) -> Path | None:
    folder = templates or house.templates
    if folder is not None and not folder.is_dir():
        hint = "--templates" if templates else "POSTROOM_RESETS__TEMPLATES"
        raise typer.BadParameter(f"{folder} is no folder", param_hint=hint)
    return folder


def _own_files(folder: Path | None, name: str) -> list[str]:
    return sorted(str(file) for file in folder.glob(f"{name}/*/*") if file.is_file()) if folder else []


def _write(each: Preview, folder: Path) -> list[str]:
    contents = {".txt": each.mail.text.encode(), ".html": each.mail.html.encode()}
    contents[".eml"] = each.message().as_bytes()
    files = [folder / (each.title + ending) for ending in contents]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in zip(files, contents.values(), strict=True):
            file.write_bytes(content)
    except OSError as error:
        problem = f"{folder} cannot be written ({error.strerror})"
        raise typer.BadParameter(problem, param_hint="--output") from None
    return [str(file) for file in files]


def _deliver(previews: Sequence[Preview], folder: Path, house: HouseSettings) -> None:
    if house.mode == "production":
        problem = "previews go into the inbox of a development machine; this one is set to production"
        raise typer.BadParameter(problem, param_hint="--inbox")
    try:
        box = mailbox.Maildir(folder, create=False)
        for each in previews:
            box.add(each.message())
    except (mailbox.NoSuchMailboxError, OSError):
        problem = f"{folder} is no Maildir that can be written; `make run` makes one in .run/mail"
        raise typer.BadParameter(problem, param_hint="--inbox") from None


def _document(each: Preview, files: list[str]) -> dict[str, Any]:
    return {
        "name": each.name,
        "locale": each.mail.locale,
        "subject": each.mail.subject,
        "text": each.mail.text,
        "files": files,
    }


def _lines(previews: Sequence[Preview], files: Mapping[str, list[str]], order: Order) -> Iterator[str]:
    for each in previews:
        yield from files.get(each.title, ())
    if order.inbox:
        yield f"{len(previews)} mails put into {order.inbox}"
