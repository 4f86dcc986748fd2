"""Templates of mails: which language, what is escaped, what a wrong one is told."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.templating.catalogue import Catalogue, TemplateProblem
from tasks.templating.samples import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = Catalogue()
EVERY_MAIL = [(name, locale) for name in SHIPPED.names() for locale in SHIPPED.locales(name)]


def override(folder: Path, file: str, text: str) -> Catalogue:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Catalogue(folder)


def test_every_shipped_mail_is_written_in_both_languages() -> None:
    assert {name: SHIPPED.locales(name) for name in SHIPPED.names()} == {
        "account-unavailable": ["de", "en"],
        "no-account": ["de", "en"],
        "password-changed": ["de", "en"],
        "password-reset": ["de", "en"],
        "reset-failed": ["de", "en"],
    }


@pytest.mark.parametrize(("name", "locale"), EVERY_MAIL)
def test_every_shipped_mail_renders_whole_and_reads_well_as_text(name: str, locale: str) -> None:
    mail = SHIPPED.render(name, SAMPLE, locale=locale)

    assert mail.locale == locale
    assert f'<html lang="{locale}">' in mail.html
    assert "{" not in mail.subject + mail.text
    assert "<" not in mail.text
    assert max(map(len, mail.text.splitlines())) <= 78


@pytest.mark.parametrize("locale", ["en", "de"])
def test_the_link_stands_in_both_forms_and_nothing_else_is_linked(locale: str) -> None:
    mail = SHIPPED.render("password-reset", SAMPLE, locale=locale)

    assert mail.text.count(str(SAMPLE["link"])) == 1
    assert re.findall(r'href="([^"]*)"', mail.html) == [SAMPLE["link"]]
    assert "http" not in mail.subject
    assert "src=" not in mail.html


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("fr", "en"),
        ("", "en"),
        ("../..", "en"),
        ("en-GB", "en"),
    ],
)
def test_the_best_language_there_is_is_taken(asked: str, found: str) -> None:
    assert SHIPPED.render("password-reset", SAMPLE, locale=asked).locale == found


@given(st.text(min_size=1))
def test_values_are_text_in_html_whatever_they_hold(name: str) -> None:
    mail = SHIPPED.render("password-changed", {**SAMPLE, "name": f"<b>{name}</b>"})

    assert "<b>" not in mail.html
    assert f"<b>{name}</b>" in html.unescape(mail.html)


def test_a_value_cannot_break_the_subject_into_lines() -> None:
    mail = SHIPPED.render("password-reset", {**SAMPLE, "product": "A\r\nBcc: x@example.org"})

    assert mail.subject == "Reset your A Bcc: x@example.org password"


def test_somebody_without_a_name_is_greeted_all_the_same() -> None:
    mail = SHIPPED.render("password-reset", {**SAMPLE, "name": ""})

    assert mail.text.startswith("Hello,\n")


def test_an_operators_file_comes_before_the_shipped_one_and_the_rest_stays(tmp_path: Path) -> None:
    catalogue = override(tmp_path, "password-reset/en/subject.txt", "A new key for {{ name }}\n")
    mail = catalogue.render("password-reset", SAMPLE)

    assert mail.subject == "A new key for Ann Ofori"
    assert mail.text == SHIPPED.render("password-reset", SAMPLE).text


def test_an_operator_may_add_a_language_and_a_mail(tmp_path: Path) -> None:
    for file in ("subject.txt", "body.txt", "body.html"):
        catalogue = override(tmp_path, f"welcome/nl/{file}", "Welkom {{ name }}")
        catalogue = override(tmp_path, f"welcome/en/{file}", "Welcome {{ name }}")

    assert catalogue.render("welcome", SAMPLE, locale="nl-BE").text == "Welkom Ann Ofori\n"
    assert "welcome" in catalogue.names()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ nmae }}", "password-reset/en/body.txt, line 1: 'nmae' is undefined; known names are actor"),
        ("line one\n{% if %}", "password-reset/en/body.txt, line 2: "),
        ("{% include 'no.txt' %}", "password-reset/en/body.txt, line 1: needs no.txt, which is missing"),
        ("\n\n{{ minutes + name }}", "password-reset/en/body.txt, line 3: TypeError while it was rendered"),
        (
            "{% include '/etc/passwd' %}",
            "password-reset/en/body.txt, line 1: needs /etc/passwd, which is missing",
        ),
    ],
    ids=["unknown name", "syntax", "missing include", "wrong type", "outside the folders"],
)
def test_a_template_that_cannot_be_used_is_named_with_its_fault(text: str, told: str, tmp_path: Path) -> None:
    catalogue = override(tmp_path, "password-reset/en/body.txt", text)

    with pytest.raises(TemplateProblem, match=re.escape(told)):
        catalogue.render("password-reset", SAMPLE)


def test_a_fault_in_a_part_that_mails_share_is_told_of_that_part(tmp_path: Path) -> None:
    catalogue = override(tmp_path, "layout.html", "<!doctype html>\n<p>{{ imprint }}</p>\n")

    with pytest.raises(TemplateProblem, match=r"^layout\.html, line 2: 'imprint' is undefined"):
        catalogue.render("password-reset", SAMPLE)


def test_a_mail_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(TemplateProblem, match="no such mail in en; there are account-unavailable"):
        SHIPPED.render("pasword-reset", SAMPLE)


def test_the_name_of_a_mail_leads_out_of_no_folder(tmp_path: Path) -> None:
    override(tmp_path, "secret/en/subject.txt", "x")
    (tmp_path / "own").mkdir()

    with pytest.raises(TemplateProblem, match="small letters, digits and hyphens"):
        Catalogue(tmp_path / "own").render("../secret", SAMPLE)


def test_an_empty_subject_is_refused(tmp_path: Path) -> None:
    catalogue = override(tmp_path, "password-reset/en/subject.txt", " {# nothing #} \n")

    with pytest.raises(TemplateProblem, match="a mail needs a subject"):
        catalogue.render("password-reset", SAMPLE)


def test_a_rendered_mail_shows_no_link_when_it_is_printed() -> None:
    assert repr(SHIPPED.render("password-reset", SAMPLE)) == "Rendered(locale='en')"
