"""Users from a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.password_reset.adapters.csv_directory import CsvDirectory
from tasks.password_reset.ports import Unreachable, Unusable, User

if TYPE_CHECKING:
    from pathlib import Path

ANN = User("ann", "ann@example.org", "Ann Ofori", "de")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.csv"


def directory(file: Path, text: str) -> CsvDirectory:
    file.write_bytes(text.encode())
    return CsvDirectory(file)


@pytest.mark.parametrize("identifier", ["ann", "ANN", " ann@example.org ", "Ann@Example.org"])
def test_a_user_is_found_by_name_or_address_in_any_case(identifier: str, file: Path) -> None:
    found = directory(file, "user,email,name,locale\nann,ann@example.org,Ann Ofori,de\n")

    assert found.lookup(identifier, timeout=1.0) == ANN


def test_a_bom_crlf_quotes_other_columns_and_capitals_change_nothing(file: Path) -> None:
    found = directory(file, '\ufeffEmail,Shoe size, User ,Name\r\nann@example.org,38,ann,"Ofori, Ann"\r\n')

    assert found.lookup("ann", timeout=1.0) == User("ann", "ann@example.org", "Ofori, Ann")


@pytest.mark.parametrize(
    ("active", "expected"),
    [("", True), ("yes", True), ("1", True), ("No", False), ("0", False), ("false", False)],
)
def test_an_inactive_user_is_known_as_such(active: str, expected: bool, file: Path) -> None:  # noqa: FBT001
    found = directory(file, f"user,email,active\nann,a@x.org,{active}\n").lookup("ann", timeout=1.0)

    assert found
    assert found.is_active is expected


def test_nobody_is_found_by_an_empty_address(file: Path) -> None:
    found = directory(file, "user,email\nann,\n")

    assert found.lookup("", timeout=1.0) is None
    assert found.lookup("ann", timeout=1.0) == User("ann")


def test_a_changed_file_is_read_again(file: Path) -> None:
    found = directory(file, "user,email\nann,a@x.org\n")
    replacement = file.with_name("next.csv")
    replacement.write_text("user,email\nbob,b@x.org\n")
    replacement.replace(file)

    assert found.lookup("ann", timeout=1.0) is None
    assert found.lookup("bob", timeout=1.0) == User("bob", "b@x.org")


@pytest.mark.parametrize("broken", ["user\nann\n", None], ids=["no column", "no file"])
def test_a_file_that_breaks_later_is_a_directory_that_is_away(broken: str | None, file: Path) -> None:
    found = directory(file, "user,email\nann,a@x.org\n")
    if broken is None:
        file.unlink()
    else:
        replacement = file.with_name("next.csv")
        replacement.write_text(broken)
        replacement.replace(file)

    with pytest.raises(Unreachable):
        found.lookup("ann", timeout=1.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user\nann\n", "has no column email"),
        ("", "has no column user and no column email"),
        ("user,email\nann,a@x.org\nbob,A@X.org\n", "line 3: this user or address stands there twice"),
    ],
    ids=["column", "empty", "twice"],
)
def test_a_file_that_cannot_be_used_is_told_and_names_nobody(text: str, told: str, file: Path) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        directory(file, text)

    assert "x.org" not in str(caught.value)


def test_a_missing_file_is_told_at_once(file: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        CsvDirectory(file)


def test_a_trial_counts_the_users(file: Path) -> None:
    text = "user,email\nann,ann@example.org\nbob,\neve,eve@example.org\n"

    assert directory(file, text).probe(timeout=1.0) == "3 users"


@pytest.mark.parametrize("text", [None, "user\nann\n"], ids=["gone", "no address"])
def test_a_trial_says_what_is_wrong_with_a_file_that_was_replaced(text: str | None, file: Path) -> None:
    users = directory(file, "user,email\nann,ann@example.org\n")
    file.unlink()
    if text:
        file.write_text(text)

    with pytest.raises(Unusable, match="has no column email" if text else "cannot be read"):
        users.probe(timeout=1.0)
