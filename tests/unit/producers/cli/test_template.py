"""`postroom template`: the mails of password resets, looked at before anybody gets one."""

from __future__ import annotations

import mailbox
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder without settings."""
    for name in ("MODE", "RESETS__PRODUCT", "RESETS__SUPPORT", "RESETS__TEMPLATES"):
        monkeypatch.delenv(f"POSTROOM_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the operator's, with one subject of their own."""
    file = tmp_path / "mails" / "password-reset" / "en" / "subject.txt"
    file.parent.mkdir(parents=True)
    file.write_text("A new key for {{ product }}")
    return tmp_path / "mails"


def test_all_mails_are_listed_with_the_files_that_are_ones_own(postroom: Any, own: Path) -> None:
    code, out, _ = postroom("template", "list", "--templates", str(own))
    named = {each["name"]: each for each in postroom("template", "list", "--json")[1]}

    assert code == 0
    assert f"password-reset  de en\n    {own}/password-reset/en/subject.txt\n" in out
    assert named["reset-failed"] == {"name": "reset-failed", "locales": ["de", "en"], "own": []}


def test_every_mail_is_shown_as_its_text(postroom: Any) -> None:
    code, out, _ = postroom("template", "preview")

    assert code == 0
    assert out.count("Subject: ") == 10
    assert "# password-changed.de" in out
    assert "<" not in out


def test_one_mail_is_shown_in_one_language_in_the_name_of_the_house(
    postroom: Any, own: Path, elsewhere: Path
) -> None:
    (elsewhere / ".env").write_text(f"POSTROOM_RESETS__PRODUCT=Shop\nPOSTROOM_RESETS__TEMPLATES={own}\n")
    [document] = postroom("template", "preview", "password-reset", "--locale", "en-GB", "--json")[1]

    assert (document["locale"], document["subject"]) == ("en", "A new key for Shop")
    assert "Shop account" in document["text"]


def test_files_are_written_as_a_browser_and_a_mail_program_read_them(postroom: Any, elsewhere: Path) -> None:
    folder = elsewhere / "new" / "previews"
    code, out, _ = postroom("template", "preview", "password-reset", "--output", str(folder))
    mail = message_from_bytes((folder / "password-reset.de.eml").read_bytes(), policy=policy.default)

    assert code == 0
    assert sorted(out.split()) == sorted(str(file) for file in folder.iterdir())
    assert len(out.split()) == 6
    assert mail["Subject"] == "Neues Passwort für Example"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert '<html lang="de">' in (folder / "password-reset.de.html").read_text()


def test_mails_are_put_into_the_inbox_of_a_development_machine(postroom: Any, elsewhere: Path) -> None:
    mailbox.Maildir(elsewhere / "mail", create=True)
    code, out, _ = postroom("template", "preview", "no-account", "--inbox", "mail")

    assert (code, out) == (0, "2 mails put into mail\n")
    assert [mail["Auto-Submitted"] for mail in mailbox.Maildir(elsewhere / "mail")] == ["auto-generated"] * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pasword-reset",), "there is no such mail in en; there are account-unavailable"),
        (("--templates", "/no/folder"), "/no/folder is no folder"),
        (("--output", "/dev/null/x"), "/dev/null/x cannot be written"),
        (("--inbox", "/no/box"), "/no/box is no Maildir"),
    ],
    ids=["name", "templates", "output", "inbox"],
)
def test_what_cannot_be_done_is_told(arguments: tuple[str, ...], told: str, postroom: Any) -> None:
    code, _, err = postroom("template", "preview", *arguments)

    assert code == 2
    assert told in " ".join(err.replace("│", "").split())


def test_previews_do_not_go_into_an_inbox_in_production(
    postroom: Any, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MODE", "production")
    box = mailbox.Maildir(elsewhere / "mail", create=True)

    assert postroom("template", "preview", "--inbox", "mail")[0] == 2
    assert len(box) == 0


def test_every_template_that_is_broken_is_named_with_its_line(postroom: Any, own: Path) -> None:
    (own / "password-reset" / "en" / "subject.txt").write_text("Reset\n{{ prodct }}")
    (own / "password-changed" / "de").mkdir(parents=True)
    (own / "password-changed" / "de" / "body.html").write_text("{% if %}")
    code, document, _ = postroom("template", "preview", "--templates", str(own), "--json")

    assert code == 2
    assert "password-reset/en/subject.txt, line 2: 'prodct' is undefined" in document["error"]["message"]
    assert "password-changed/de/body.html, line 1: " in document["error"]["message"]
