"""`postroom status` and `postroom wait`, with a queue made of lists."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.contract.status import MailState


def test_each_mail_is_answered_in_order(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.SENT, "b": MailState.QUEUED}
    _, document, _ = postroom("status", "b", "a", "nope", "--json")

    assert [(a["mail_id"], a.get("state")) for a in document] == [
        ("b", "queued"),
        ("a", "sent"),
        ("nope", None),
    ]
    assert document[2]["error"]["code"] == "no_such_mail"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"a": MailState.SENT, "b": MailState.SENT}, 0),
        ({"a": MailState.SENT, "b": MailState.EXPIRED}, 1),
        ({"a": MailState.PARTIAL, "b": MailState.QUEUED}, 3),
        ({"a": MailState.UNKNOWN, "b": MailState.SENT}, 3),
        ({"a": MailState.UNKNOWN}, 4),
    ],
    ids=["all sent", "one expired", "one waiting", "one unknown", "one missing"],
)
@pytest.mark.parametrize("command", ["status", "wait"])
def test_the_exit_code_is_that_of_the_worst(
    command: str, states: dict[str, MailState], expected: int, postroom: Any, mailer: Any
) -> None:
    mailer.states = states

    assert postroom(command, "a", "b")[0] == expected


def test_people_see_id_state_code_and_message(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.NOT_SENT}
    _, output, _ = postroom("status", "a")

    assert output == "a  not_sent  550\n    said the server\n"


def test_one_timeout_holds_for_all_mails(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.SENT, "b": MailState.SENT}
    postroom("wait", "a", "b", "--timeout", "7")

    assert 0 < mailer.waits[1] < mailer.waits[0] <= 7
