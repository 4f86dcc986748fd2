from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worker.flowerlogins import FILE_VARIABLES, VARIABLES, LoginRefused, logins

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "ada:correct-horse-battery"


@pytest.mark.parametrize("name", VARIABLES)
def test_a_login_comes_from_either_variable(name: str) -> None:
    assert logins({name: GOOD}) == [GOOD]


@pytest.mark.parametrize("name", FILE_VARIABLES)
def test_a_login_comes_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "login"
    file.write_text(f"{GOOD}\n")

    assert logins({name: str(file)}) == [GOOD]


def test_several_logins_are_joined_by_commas() -> None:
    assert logins({"FLOWER_BASIC_AUTH": f"{GOOD}, bob:another-long-one"}) == [GOOD, "bob:another-long-one"]


def test_our_own_variable_wins() -> None:
    environment = {"FLOWER_BASIC_AUTH": "bob:another-long-one", "POSTROOM_FLOWER_BASIC_AUTH": GOOD}

    assert logins(environment) == [GOOD]


def test_a_password_may_hold_a_colon() -> None:
    assert logins({"FLOWER_BASIC_AUTH": "ada:horse:battery:staple"}) == ["ada:horse:battery:staple"]


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        pytest.param("", "needs a login", id="empty"),
        pytest.param(" ", "no user or no password", id="blank"),
        pytest.param("ada", "no user or no password", id="no password"),
        pytest.param("ada:", "no user or no password", id="empty password"),
        pytest.param(":correct-horse", "no user or no password", id="no user"),
        pytest.param(f"{GOOD},", "no user or no password", id="an empty one after a good one"),
        pytest.param("admin:admin", "is a default", id="user as password"),
        pytest.param("postroom-admin:postroom-admin", "is a default", id="long user as password"),
        pytest.param("ada:change-me-please", "is a default", id="change me"),
        pytest.param("user1:Password12345", "is a default", id="password"),
        pytest.param("ada:hunter2hunt", "fewer than 12", id="short"),
        pytest.param("ada:pässword-not-ascii", "outside ASCII", id="not ASCII"),
    ],
)
def test_refuses_a_login_that_protects_nothing(login: str, reason: str) -> None:
    with pytest.raises(LoginRefused, match=reason):
        logins({"FLOWER_BASIC_AUTH": login})


def test_a_refusal_never_tells_the_password() -> None:
    with pytest.raises(LoginRefused) as refusal:
        logins({"FLOWER_BASIC_AUTH": "ada:hunter2"})

    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_missing_is_refused_by_the_variables_name() -> None:
    with pytest.raises(LoginRefused, match="FLOWER_BASIC_AUTH_FILE names cannot be read"):
        logins({"FLOWER_BASIC_AUTH_FILE": "/nowhere/login"})
