"""Which exception a problem becomes; its text is as others wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from producers.errors import (
    AlreadySent,
    GatewayError,
    IdempotencyConflict,
    KeyRejected,
    MailNotFound,
    NotAllowed,
    ParametersDiffer,
    WouldDouble,
)
from producers.over_http.refusals import refusal
from producers.over_http.replies import Reply, Standing
from producers.web import problems
from producers.web.handlers import invalid
from producers.web.problems import Problem
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse

KINDS = [kind for kind in vars(problems).values() if isinstance(kind, problems.Kind)]


def reply(problem: Problem) -> Reply:
    return Reply(problem.kind.status, {}, problem.body())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (problems.UNAUTHORIZED, KeyRejected),
        (problems.FORBIDDEN, NotAllowed),
        (problems.NO_SUCH_MAIL, MailNotFound),
        (problems.SETTLED, AlreadySent),
        (problems.WOULD_DOUBLE, WouldDouble),
        (problems.DIFFERENT, ParametersDiffer),
        (problems.KEY_REUSED, IdempotencyConflict),
        (problems.INVALID, InvalidInput),
        (problems.TOO_LARGE, InvalidInput),
        (problems.INTERNAL, GatewayError),
        (problems.MALFORMED, GatewayError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_kind_of_problem_has_its_exception(kind: problems.Kind, expected: type[Exception]) -> None:
    assert type(refusal(reply(Problem(kind, "why", id="first")), "m")) is expected


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_kind_of_problem_is_taken_for_another_servers_answer(kind: problems.Kind) -> None:
    assert "none of a gateway's" not in str(refusal(reply(Problem(kind, "why")), "m"))


def test_errors_of_fields_read_as_those_of_the_contract() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse({"to": "a@example.org, b@example.org", "subjekt": "s", "attachments": "../x", "body": "b"})
    told = refusal(reply(invalid(caught.value)))

    assert isinstance(told, InvalidInput)
    assert str(told) == str(caught.value)
    assert [(e.field, e.label, e.code) for e in told.errors] == [
        (e.field, e.label, e.code) for e in caught.value.errors
    ]


@pytest.mark.parametrize(
    "document",
    [
        {"type": "about:blank", "detail": "d"},
        {"type": "urn:postroom:problem:invalid-input"},
        {"type": "urn:postroom:problem:invalid-input", "detail": "d", "errors": [{"code": "x"}]},
        [],
        "urn:postroom:problem:unauthorized",
    ],
    ids=["another's", "no detail", "odd errors", "list", "text"],
)
def test_what_is_no_problem_of_a_gateway_is_not_believed(document: Any) -> None:
    told = refusal(Reply(422, {}, json.dumps(document).encode()))

    assert type(told) is GatewayError
    assert "HTTP status 422" in str(told)


def test_a_newer_gateway_may_say_more_and_not_something_else() -> None:
    found = Reply(200, {}, b'{"state": "queued", "colour": "red"}').read(Standing)
    with pytest.raises(GatewayError, match=r"too new \(state\)"):
        Reply(200, {}, b'{"state": "canary"}').read(Standing)

    assert found.state == "queued"
