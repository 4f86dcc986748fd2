"""`postroom cancel` and `postroom resend`, with a queue made of lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from producers.cli.main import application
from producers.errors import (
    AlreadyOnItsWay,
    AlreadySent,
    ParametersDiffer,
    PostroomError,
    QueueUnavailable,
    WouldDouble,
)
from tasks.contract.status import MailState, MailStatus

if TYPE_CHECKING:
    from pathlib import Path

MAIL = ("--to", "ann@example.org", "--subject", "Hello", "--body", "Text")
ON_ITS_WAY = AlreadyOnItsWay(MailStatus(mail_id="a", state=MailState.SENDING))


def options_of(command: str) -> set[str]:
    group: Any = get_command(application())
    return {flag for parameter in group.commands[command].params for flag in parameter.opts}


def test_each_mail_is_cancelled_and_answered(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.QUEUED, "b": MailState.CANCELLED}
    code, document, _ = postroom("cancel", "a", "b", "--json")

    assert code == 0
    assert [(answer["mail_id"], answer["state"]) for answer in document] == [
        ("a", "cancelled"),
        ("b", "cancelled"),
    ]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"a": MailState.QUEUED, "b": MailState.SENDING}, 3),
        ({"a": MailState.QUEUED, "b": MailState.NOT_SENT}, 1),
        ({"a": MailState.QUEUED, "b": MailState.PARTIAL}, 1),
        ({"a": MailState.QUEUED, "b": MailState.SENT}, 1),
        ({"a": MailState.QUEUED}, 4),
    ],
    ids=["on its way", "not sent", "partial", "sent", "missing"],
)
def test_what_could_not_be_cancelled_decides_the_exit_code(
    states: dict[str, MailState], expected: int, postroom: Any, mailer: Any
) -> None:
    mailer.states = states

    assert postroom("cancel", "a", "b")[0] == expected


def test_an_outage_amid_cancelling_hides_no_answer(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.QUEUED, "b": MailState.QUEUED, "c": MailState.QUEUED}
    mailer.failure, mailer.fails_after = QueueUnavailable(), 1
    code, document, _ = postroom("cancel", "a", "b", "c", "--json")

    assert code == 5
    assert document[0]["state"] == "cancelled"
    assert [(answer["mail_id"], answer["error"]["code"]) for answer in document[1:]] == [
        ("b", "queue_unavailable"),
        ("c", "queue_unavailable"),
    ]


def test_an_outage_from_the_beginning_is_told_once(postroom: Any, mailer: Any) -> None:
    mailer.failure = QueueUnavailable()
    code, document, _ = postroom("cancel", "a", "b", "--json")

    assert (code, document["error"]["code"]) == (5, "queue_unavailable")


def test_what_was_typed_as_an_id_does_not_steer_the_terminal(postroom: Any, mailer: Any) -> None:
    typed = "a\x1b[2J"
    mailer.states = {typed: MailState.SENT}
    _, out, err = postroom("cancel", typed, "b\x1b[2J")

    assert "\x1b" not in out + err
    assert "a\N{REPLACEMENT CHARACTER}[2J  sent" in out


def test_resending_waits_for_the_outcome_where_it_is_asked_to(postroom: Any, mailer: Any) -> None:
    mailer.states = {"a": MailState.SENT}
    code, out, _ = postroom("resend", "a", *MAIL, "--force", "--wait")

    assert (code, mailer.waits) == (0, [pytest.approx(60.0, abs=5.0)])
    assert out.startswith("a  sent  250")


def test_a_mail_is_resent_as_its_options_describe_it(postroom: Any, mailer: Any) -> None:
    assert postroom("resend", "a", *MAIL, "--force") == (0, "a  queued\n", "")
    assert mailer.resent == [("a", {"to": "ann@example.org", "subject": "Hello", "body": "Text"}, True)]


def test_a_mail_is_resent_from_the_file_that_it_was_sent_from(
    postroom: Any, mailer: Any, tmp_path: Path
) -> None:
    file = tmp_path / "mail.json"
    file.write_text(json.dumps({"to": "ann@example.org", "subject": "s", "body": "b"}))

    code, document, _ = postroom("resend", "a", "--input", str(file), "--json")

    assert (code, document) == (0, {"mail_id": "a", "state": "queued"})
    assert mailer.resent[0][2] is False


def test_several_mails_are_not_resent_at_once(postroom: Any, mailer: Any, tmp_path: Path) -> None:
    file = tmp_path / "mails.jsonl"
    file.write_text("{}\n{}\n")

    assert postroom("resend", "a", "--input", str(file))[0] == 2
    assert mailer.resent == []


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (ON_ITS_WAY, 3, "already_on_its_way"),
        (WouldDouble("a"), 3, "would_double"),
        (AlreadySent("a"), 2, "already_sent"),
        (ParametersDiffer("a"), 2, "parameters_differ"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_a_mail_is_not_resent_is_said(
    error: PostroomError, code: int, name: str, postroom: Any, mailer: Any
) -> None:
    mailer.failure = error
    found, document, _ = postroom("resend", "a", *MAIL, "--json")

    assert (found, document["mail_id"], document["error"]["code"]) == (code, "a", name)


def test_send_and_resend_describe_mails_alike() -> None:
    only_sending = {"--lane", "--send-at"}

    assert options_of("send") - only_sending == options_of("resend") - {"--force", "mail_id"}
