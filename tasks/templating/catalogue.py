"""
The mails that this product writes itself, as templates: three files for each mail and language.

`<mail>/<language>/subject.txt`, `body.txt` and `body.html`; a folder of the operator's comes before the
shipped one, file by file, so that one may change a subject and keep the rest.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.exceptions import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Template

#: The templates that come with the product.
SHIPPED: Final = Path(__file__).parent / "shipped"
#: The language of last resort; every shipped mail has it.
DEFAULT_LOCALE: Final = "en"

_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SUBJECT, _TEXT, _HTML = "subject.txt", "body.txt", "body.html"


class TemplateProblem(ValueError):
    """A template that cannot be used: which one, where, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's content in one language; it may hold a link, so its `repr` shows nothing of it."""

    locale: str
    subject: str
    text: str
    html: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(locale={self.locale!r})"


class Catalogue:
    """
    Renders mails by name and language.

    *overrides* is a folder laid out as the shipped one. HTML files are escaped automatically, text files are
    not; a name that a template uses and nobody gave is an error, never an empty place in a mail.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        folders = [folder for folder in (overrides, SHIPPED) if folder is not None]
        self._folders = folders
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            autoescape=select_autoescape(["html"], default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )

    def names(self) -> list[str]:
        """Return the mails that there are, of either folder."""
        return sorted({subject.parent.parent.name for subject in self._subjects("*")})

    def locales(self, name: str) -> list[str]:
        """Return the languages that the mail *name* is written in."""
        return sorted({subject.parent.name for subject in self._subjects(name)})

    def render(self, name: str, values: Mapping[str, object], *, locale: str = DEFAULT_LOCALE) -> Rendered:
        """
        Return the mail *name* in the best language there is: that of *locale*, its base, or English.

        Raises:
            TemplateProblem: there is no such mail, or one of its files cannot be rendered with *values*.
        """
        chosen = self._choose(name, locale)
        given = {**values, "locale": chosen}
        subject, text, html = (
            self._render(f"{name}/{chosen}/{file}", given) for file in (_SUBJECT, _TEXT, _HTML)
        )
        subject = " ".join(subject.split())
        if not subject:
            raise TemplateProblem(f"{name}/{chosen}/{_SUBJECT}: renders to nothing; a mail needs a subject")
        return Rendered(chosen, subject, text.strip() + "\n", html.strip() + "\n")

    def _subjects(self, name: str) -> list[Path]:
        return [subject for folder in self._folders for subject in folder.glob(f"{name}/*/{_SUBJECT}")]

    def _choose(self, name: str, locale: str) -> str:
        if not _NAME.fullmatch(name):
            raise TemplateProblem("the name of a mail is made of small letters, digits and hyphens")
        written = {known.lower(): known for known in self.locales(name)}
        for wanted in _candidates(locale):
            if wanted in written:
                return written[wanted]
        known = ", ".join(self.names())
        raise TemplateProblem(f"{name}: there is no such mail in {DEFAULT_LOCALE}; there are {known}")

    def _render(self, file: str, values: Mapping[str, object]) -> str:
        try:
            return self._template(file).render(values)
        except TemplateSyntaxError as error:
            raise TemplateProblem(f"{error.name or file}, line {error.lineno}: {error.message}") from None
        except TemplateNotFound as error:
            raise TemplateProblem(
                f"{self._place(file, error)}: needs {error.name}, which is missing"
            ) from None
        except UndefinedError as error:
            given = ", ".join(sorted(values))
            place = self._place(file, error)
            raise TemplateProblem(f"{place}: {error.message}; known names are {given}") from None
        except TemplateError as error:
            place = self._place(file, error)
            raise TemplateProblem(f"{place}: {error.message or type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001 - whatever a template's author made it do
            # A filter met a value that it cannot work on; its text may quote the value.
            place = self._place(file, error)
            raise TemplateProblem(f"{place}: {type(error).__name__} while it was rendered") from None

    def _place(self, file: str, error: Exception) -> str:
        """Return the file and the line where *error* came about, which Jinja has in the traceback."""
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            for folder in self._folders:
                path = Path(frame.filename)
                if path.is_relative_to(folder) and path.suffix != ".py":
                    return f"{path.relative_to(folder)}, line {frame.lineno}"
        return file

    def _template(self, file: str) -> Template:
        return self._environment.get_template(file)


def _candidates(locale: str) -> Iterator[str]:
    tag = locale.replace("_", "-").lower()
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]
    yield DEFAULT_LOCALE
