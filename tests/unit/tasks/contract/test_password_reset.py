"""What a password reset may say, and what it is told where it may not."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.contract.errors import InvalidInput
from tasks.contract.password_reset import PasswordReset, is_password_reset, parse_password_reset

SPECIFIED = {"workflow": "specified", "user": "ann", "actor": "ben"}
REQUESTER = {"workflow": "requester", "user": "ann@example.org", "source": "0" * 64}


def errors_of(data: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        parse_password_reset(data)
    return [(error.field, error.problem) for error in caught.value.errors]


def test_what_travels_is_read_back_as_the_same_reset() -> None:
    reset = parse_password_reset({**SPECIFIED, "ticket": "T-1", "ttl": 600, "locale": "de-AT"})
    message = reset.to_message()

    assert is_password_reset(message)
    assert parse_password_reset(message["password_reset"]) == reset


def test_neither_user_nor_actor_is_shown_when_it_is_printed() -> None:
    shown = repr(parse_password_reset({**SPECIFIED, "user": "canary-user", "actor": "canary-actor"}))

    assert "canary" not in shown


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"workflow": "both"}, "workflow", 'is "both"'),
        ({"user": "a\nb"}, "user", "contains line breaks"),
        ({"user": " "}, "user", "is blank"),
        ({"user": "x" * 321}, "user", "has 321 characters"),
        ({"user": 7}, "user", "is a number"),
        ({"ttl": 59}, "ttl", "is no lifetime of a link"),
        ({"ttl": 86401}, "ttl", "is no lifetime of a link"),
        ({"ttl": True}, "ttl", "is no lifetime of a link"),
        ({"ttl": "600"}, "ttl", "is no lifetime of a link"),
        ({"template": "../x"}, "template", "is no name of a template"),
        ({"locale": "e"}, "locale", "is no language tag"),
        ({"source": "10.0.0.1"}, "source", "is no digest"),
        ({"link": "https://x"}, "link", "is an unknown field"),
        ({"is_throttled": "yes"}, "is_throttled", "is not true or false"),
        ({"actor": None}, "actor", "is missing"),
        ({"user": None}, "user", "is missing"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_field_is_named_with_what_is_wrong(change: dict[str, Any], field: str, problem: str) -> None:
    assert errors_of({**SPECIFIED, **change}) == [(field, problem)]


def test_all_errors_are_told_at_once() -> None:
    assert [field for field, _ in errors_of({"ttl": 1, "locale": "?"})] == [
        "workflow",
        "user",
        "ttl",
        "locale",
    ]


def test_a_public_request_names_no_actor() -> None:
    assert errors_of({**REQUESTER, "actor": "ben"}) == [("actor", "is given where nobody of the staff asked")]


@pytest.mark.parametrize("data", [None, "ann", ["ann"], 7])
def test_what_is_no_object_is_refused(data: object) -> None:
    assert errors_of(data)[0][0] == ""


def test_a_limit_and_a_key_make_no_other_reset() -> None:
    plain = parse_password_reset(REQUESTER)
    marked = PasswordReset.model_validate({**REQUESTER, "is_throttled": True, "idempotency_key": "k"})

    assert plain.canonical() == marked.canonical()
    assert plain.canonical() != parse_password_reset({**REQUESTER, "user": "bob"}).canonical()
