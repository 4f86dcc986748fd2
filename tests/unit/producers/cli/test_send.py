"""`postroom send`, with a queue made of lists."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from producers.batches import Batch
from producers.cli.patience import with_default_wait
from producers.errors import BatchInterrupted, QueueUnavailable
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.parameters import SendEmail
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from pathlib import Path

MAIL = ("--to", "ann@example.org", "--subject", "Hello", "--body", "Text")
ALL = {
    "--to": ("to", "ann@example.org"),
    "--cc": ("cc", "bob@example.org"),
    "--bcc": ("bcc", "carol@example.org"),
    "--subject": ("subject", "Hello"),
    "--body": ("body", "<p>Text</p>"),
    "--attachment": ("attachments", "a.pdf"),
    "--format": ("email_format", "html"),
    "--encoding": ("encoding", "iso-8859-1"),
    "--timeout": ("timeout", "5000"),
    "--authentication": ("smtp_authentication", "TLS"),
    "--host": ("smtp_host", "smtp.example.org"),
    "--port": ("smtp_port", "587"),
    "--user-name": ("user_name", "ann"),
    "--ssl-trust": ("smtp_ssl_trust", "*"),
    "--account": ("account", "second"),
    "--sender": ("sender", "desk@example.org"),
    "--reply-to": ("reply_to", "help@example.org"),
    "--text-body": ("text_body", "Text"),
    "--idempotency-key": ("idempotency_key", "k"),
    "--expires-at": ("expires_at", "2030-01-31T12:00:00Z"),
    "--on-unknown": ("on_unknown", "report"),
}
MAPS = {"--header": ("headers", "X-A=1=2"), "--metadata": ("metadata", "order=17")}


def test_every_field_of_the_contract_has_an_option(postroom: Any, mailer: Any) -> None:
    arguments = [part for option, (_, value) in (ALL | MAPS).items() for part in (option, value)]
    code, _, _ = postroom("send", *arguments)

    assert code == 0
    assert mailer.messages == [dict(ALL.values()) | {"headers": {"X-A": "1=2"}, "metadata": {"order": "17"}}]
    assert set(mailer.messages[0]) == set(SendEmail.model_fields)


def test_what_is_not_given_is_left_out(postroom: Any, mailer: Any) -> None:
    postroom("send", *MAIL)

    assert mailer.messages == [{"to": "ann@example.org", "subject": "Hello", "body": "Text"}]


@pytest.mark.parametrize("spelling", ["null", "none"])
def test_no_authentication_can_be_asked_for(spelling: str, postroom: Any, mailer: Any) -> None:
    postroom("send", *MAIL, "--authentication", spelling)

    assert SendEmail.model_validate(mailer.messages[0]).to_message()["smtp_authentication"] is None


def test_repeated_options_and_lists_add_up(postroom: Any, mailer: Any) -> None:
    postroom("send", *MAIL, "--to", '"Doe; Jane" <jane@example.org>; bob@example.org')

    assert len(SendEmail.model_validate(mailer.messages[0]).to) == 3


def test_no_option_takes_a_password(postroom: Any, mailer: Any) -> None:
    code, _, _ = postroom("send", *MAIL, "--password", "canary")
    _, page, _ = postroom("send", "--help")

    assert code == 2
    assert mailer.messages == []
    assert "--pass" not in page


def test_the_body_comes_from_a_file_or_from_standard_input(
    postroom: Any, mailer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "body"
    file.write_text("Grüße", encoding="utf-8")
    postroom("send", *MAIL[:4], "--body-file", str(file))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Grüße".encode())))
    postroom("send", *MAIL[:4], "--body", "-")

    assert [message["body"] for message in mailer.messages] == ["Grüße", "Grüße"]


def test_all_errors_of_all_fields_are_told_at_once(postroom: Any, mailer: Any) -> None:
    code, document, errors = postroom("send", "--to", "ann", "--port", "x", "--body", "b", "--json")

    assert code == 2
    assert document["error"]["code"] == "invalid_input"
    assert {f["field"] for f in document["error"]["fields"]} == {"to", "smtp_port", "subject"}
    assert errors == ""
    assert mailer.messages == []


def test_people_are_told_what_is_wrong_on_standard_error(postroom: Any, mailer: Any) -> None:
    code, output, errors = postroom("send", "--to", "ann@example.org", "--body", "b")

    assert (code, output, mailer.messages) == (2, "", [])
    assert errors == "Subject: is missing; a subject is required\n"


def test_many_mails_are_answered_in_order_and_the_bad_do_not_stop_the_good(
    postroom: Any, mailer: Any, tmp_path: Path
) -> None:
    file = tmp_path / "mails.jsonl"
    good = {"Email Recipients (TO) List": "ann@example.org", "Subject": "Hello", "Body": "Text"}
    file.write_text("\n".join(map(json.dumps, (good, {}, good))))
    code, document, _ = postroom("send", "--input", str(file), "--json")

    assert code == 2
    assert [answer.get("mail_id") for answer in document] == ["id-1", None, "id-2"]
    assert mailer.options[0] == {"lane": "default"}


def test_options_beside_whole_mails_are_refused(postroom: Any, mailer: Any, tmp_path: Path) -> None:
    code, document, _ = postroom("send", "--input", str(tmp_path / "none"), *MAIL, "--json")

    assert (code, document["error"]["code"], mailer.messages) == (2, "usage", [])


def test_a_file_of_this_machine_is_stored_and_attached(postroom: Any, mailer: Any, tmp_path: Path) -> None:
    file = tmp_path / 'odd; "name".txt'
    file.write_text("content")
    postroom("send", *MAIL, "--attachment", "a.pdf", "--attach", str(file), "--upload", str(file))

    assert mailer.stored == ["content", "content"]
    assert SendEmail.model_validate(mailer.messages[0]).attachments == (
        "a.pdf",
        f"stored:{'0' * 64}/{file.name}",
        f"stored:{'0' * 64}/{file.name}",
    )


def test_a_file_that_cannot_be_attached_is_named(postroom: Any, mailer: Any, tmp_path: Path) -> None:
    large = FieldError(
        "attachments", "Attachments", LocalCode.ATTACHMENT, "has more than 40 MiB", "no mail may be so large"
    )
    file = tmp_path / "large.iso"
    file.write_text("content")
    code, document, _ = postroom("send", *MAIL, "--attach", str(tmp_path / "missing"), "--json")
    mailer.refuses = InvalidInput((large,))
    refused = postroom("send", *MAIL, "--attach", str(file), "--json")

    assert (code, refused[0], mailer.messages) == (2, 2, [])
    assert f"{tmp_path / 'missing'} cannot be read" in document["error"]["message"]
    assert f"{file}: has more than 40 MiB" in refused[1]["error"]["message"]


def test_a_moment_to_send_at_is_handed_on_and_a_bad_one_refused(postroom: Any, mailer: Any) -> None:
    postroom("send", *MAIL, "--send-at", "2030-01-31T12:00:00Z", "--lane", "bulk")
    code, document, _ = postroom("send", *MAIL, "--send-at", "tomorrow", "--json")

    assert mailer.options[0]["lane"] == "bulk"
    assert str(mailer.options[0]["send_at"]) == "2030-01-31 12:00:00+00:00"
    assert code == 2
    assert "--send-at" in document["error"]["message"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [(MailState.SENT, 0), (MailState.NOT_SENT, 1), (MailState.UNKNOWN, 3), (MailState.SENDING, 3)],
    ids=str,
)
def test_waiting_ends_with_the_mails_own_outcome(
    state: MailState, expected: int, postroom: Any, mailer: Any
) -> None:
    mailer.states["id-1"] = state
    code, document, _ = postroom("send", *MAIL, "--wait", "--json")

    assert code == expected
    assert (document["mail_id"], document["state"]) == ("id-1", state.value)


def test_an_interrupted_wait_still_tells_the_id(postroom: Any, mailer: Any) -> None:
    mailer.failure = KeyboardInterrupt()
    code, document, _ = postroom("send", *MAIL, "--wait", "5", "--json")

    assert code == 130
    assert (document["mail_id"], document["error"]["code"]) == ("id-1", "interrupted")


def test_what_was_accepted_before_an_outage_is_told(postroom: Any, mailer: Any, tmp_path: Path) -> None:
    file = tmp_path / "mails.json"
    file.write_text(json.dumps([{"to": "ann@example.org", "subject": "s", "body": "b"}] * 3))
    mailer.failure, mailer.fails_after = QueueUnavailable("away"), 2
    code, document, _ = postroom("send", "--input", str(file), "--json", "--send-at", "2030-01-31T12:00:00Z")

    assert code == 5
    assert [answer.get("mail_id") for answer in document] == ["id-1", "id-2", None]


def test_what_was_accepted_of_a_part_before_an_outage_is_told(
    postroom: Any, mailer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enqueue_many(*_: object, **__: object) -> Batch:
        raise BatchInterrupted("away", Batch(("id-1",), ()))

    monkeypatch.setattr(mailer, "enqueue_many", enqueue_many)
    file = tmp_path / "mails.json"
    file.write_text(json.dumps([{"to": "ann@example.org", "subject": "s", "body": "b"}] * 2))
    code, document, _ = postroom("send", "--input", str(file), "--json")

    assert code == 5
    assert document[0]["mail_id"] == "id-1"
    assert document[1]["error"]["code"] == "queue_unavailable"


def test_an_absent_queue_is_named_without_its_password(
    postroom: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_BROKER_URL", "redis://user:canary@127.0.0.1:1/0")
    code, _, errors = postroom("send", *MAIL)

    assert code == 5
    assert "127.0.0.1:1" in errors
    assert "canary" not in errors


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        (["--wait"], ["--wait", "60.0"]),
        (["--wait", "5"], ["--wait", "5"]),
        (["--wait", "--json"], ["--wait", "60.0", "--json"]),
    ],
    ids=["absent", "last", "with seconds", "before an option"],
)
def test_wait_may_stand_alone(given: list[str], expected: list[str]) -> None:
    assert with_default_wait(given) == expected
