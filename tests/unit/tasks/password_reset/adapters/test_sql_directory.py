"""Users from a database, by a statement of the operator's."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tasks.password_reset.adapters.sql_directory import SqlDirectory
from tasks.password_reset.ports import Unreachable, Unusable, User

if TYPE_CHECKING:
    from pathlib import Path

STATEMENT = (
    "SELECT login AS user, mail AS email, full_name AS name, enabled AS active, pw_changed AS stamp "
    "FROM people WHERE login = :identifier OR mail = :identifier"
)


@pytest.fixture
def dsn(tmp_path: Path) -> SecretStr:
    file = tmp_path / "users.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE people (login, mail, full_name, enabled, pw_changed)")
        database.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)",
            [
                ("ann", "ann@example.org", "Ann Ofori", 1, "v3"),
                ("bob", "shared@example.org", "Bob", 0, ""),
                ("eve", "shared@example.org", "Eve", 1, ""),
            ],
        )
    database.close()
    return SecretStr(f"sqlite:///{file}")


@pytest.mark.parametrize("identifier", ["ann", "ann@example.org"])
def test_a_user_is_found_as_the_statement_finds_them(identifier: str, dsn: SecretStr) -> None:
    found = SqlDirectory(dsn, STATEMENT).lookup(identifier, timeout=1.0)

    assert found == User("ann", "ann@example.org", "Ann Ofori", stamp="v3")


def test_what_the_table_says_of_being_active_counts(dsn: SecretStr) -> None:
    found = SqlDirectory(dsn, STATEMENT).lookup("bob", timeout=1.0)

    assert found
    assert not found.is_active


@pytest.mark.parametrize(
    "identifier", ["nobody", "shared@example.org", "' OR 1=1 --"], ids=["unknown", "two", "injection"]
)
def test_nobody_is_found_where_it_is_not_one(identifier: str, dsn: SecretStr) -> None:
    assert SqlDirectory(dsn, STATEMENT).lookup(identifier, timeout=1.0) is None


def test_a_database_that_fails_is_a_directory_that_is_away(dsn: SecretStr) -> None:
    directory = SqlDirectory(dsn, "SELECT * FROM no_such_table WHERE x = :identifier")

    with pytest.raises(Unreachable):
        directory.lookup("ann", timeout=1.0)


def test_a_statement_that_selects_no_address_is_a_mistake(dsn: SecretStr) -> None:
    directory = SqlDirectory(dsn, "SELECT login AS user FROM people WHERE login = :identifier")

    with pytest.raises(LookupError, match="selects no column email"):
        directory.lookup("ann", timeout=1.0)


@pytest.mark.parametrize(
    ("url", "statement", "told"),
    [
        ("sqlite://", "SELECT 1", "find the user by :identifier"),
        ("canary-password", STATEMENT, "is no URL that SQLAlchemy knows"),
        ("nodb://ann:canary-password@db/x", STATEMENT, "is no URL that SQLAlchemy knows"),
        ("oracle://ann:canary-password@db/x", STATEMENT, "the database's URL: "),
    ],
    ids=["statement", "no url", "dialect", "driver"],
)
def test_settings_that_cannot_be_used_are_told_without_the_password(
    url: str, statement: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        SqlDirectory(SecretStr(url), statement)

    assert "canary" not in str(caught.value)


def test_a_trial_finds_nothing_wrong_where_nothing_is(dsn: SecretStr) -> None:
    assert SqlDirectory(dsn, STATEMENT).probe(timeout=1.0) == "answers"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT user, email FROM poeple WHERE user = :identifier", "no such table: poeple"),
        (
            "SELECT login AS user, maill AS email FROM people WHERE login = :identifier",
            "no such column: maill",
        ),
        ("SELECT login AS user, mail FROM people WHERE login = :identifier", "selects no column email"),
        ("SELEKT :identifier", "syntax error"),
    ],
    ids=["table", "column", "alias", "syntax"],
)
def test_a_trial_says_what_is_wrong_with_the_statement(statement: str, told: str, dsn: SecretStr) -> None:
    with pytest.raises(Unusable, match=told) as caught:
        SqlDirectory(dsn, statement).probe(timeout=1.0)

    assert caught.value.is_certain
    assert "DATABASE_STATEMENT" in caught.value.remedy


def test_a_trial_tells_a_database_that_is_away_from_one_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no connection: unable to open database file") as caught:
        SqlDirectory(SecretStr(f"sqlite:///{tmp_path}/no/file"), STATEMENT).probe(timeout=1.0)

    assert not caught.value.is_certain
    assert "DATABASE_URL" in caught.value.remedy
