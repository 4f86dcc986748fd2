"""`postroom send-many`, with a queue made of lists."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from producers.cli.main import main
from producers.errors import QueueUnavailable

if TYPE_CHECKING:
    from pathlib import Path

MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mails.jsonl"


def write(file: Path, *lines: object) -> str:
    file.write_bytes(
        b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    )
    return str(file)


def test_ids_are_printed_one_in_a_line_and_troubles_by_their_line(
    postroom: Any, mailer: Any, file: Path
) -> None:
    code, output, errors = postroom("send-many", write(file, MAIL, b"\n", {**MAIL, "to": "nobody"}, MAIL))

    assert code == 2
    assert output == "id-1\nid-2\n"
    assert errors.startswith("line 3: ")
    assert errors.endswith("2 handed in, 1 refused\n")
    assert mailer.options == [{"lane": "bulk", "send_at": None}] * 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{'to'}\n", "is no JSON (column 2: "),
        (b"[1]\n", "is a list"),
        (b"\xff\n", "is not in UTF-8"),
        (b"[" * 100_000 + b"\n", "is no JSON that can be read"),
        (b"1" * 5000 + b"\n", "is no JSON that can be read"),
    ],
    ids=["no JSON", "no object", "no UTF-8", "nested too deeply", "too many digits"],
)
def test_a_line_that_holds_no_mail_is_told_and_does_not_stop_the_others(
    postroom: Any, mailer: Any, file: Path, line: bytes, problem: str
) -> None:
    code, output, errors = postroom("send-many", write(file, MAIL, line, MAIL))

    assert (code, output, len(mailer.messages)) == (2, "id-1\nid-2\n", 2)
    assert f"line 2: Message: {problem}" in errors


@pytest.mark.usefixtures("mailer")
def test_programs_get_an_object_in_a_line_for_each_mail(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["send-many", write(file, MAIL, {}, MAIL), "--json"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert code == 2
    assert [(answer["line"], answer.get("mail_id")) for answer in found] == [
        (1, "id-1"),
        (2, None),
        (3, "id-2"),
    ]
    assert found[1]["error"]["code"] == "invalid_input"


def test_keys_are_made_of_the_prefix_and_the_line_unless_a_mail_has_one(
    postroom: Any, mailer: Any, file: Path
) -> None:
    mails = MAIL, b"\n", {**MAIL, "Idempotency Key": "own"}, MAIL
    postroom("send-many", write(file, *mails), "--key-prefix", "news")

    assert [m.get("idempotency_key", m.get("Idempotency Key")) for m in mailer.messages] == [
        "news-1",
        "own",
        "news-4",
    ]


def test_standard_input_and_a_byte_order_mark_are_read(
    postroom: Any, mailer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"\xef\xbb\xbf" + json.dumps(MAIL).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, output, _ = postroom("send-many", "-")

    assert (code, output, len(mailer.messages)) == (0, "id-1\n", 1)


def test_a_file_that_is_not_there_is_named(postroom: Any, mailer: Any, file: Path) -> None:
    code, document, _ = postroom("send-many", str(file), "--json")

    assert (code, document["error"]["code"], mailer.messages) == (2, "usage", [])
    assert str(file) in document["error"]["message"]


def test_an_outage_amid_many_says_up_to_which_line_they_were_handed_in(
    postroom: Any, mailer: Any, file: Path
) -> None:
    mailer.failure, mailer.fails_after = QueueUnavailable("away"), 2
    code, output, errors = postroom("send-many", write(file, MAIL, b"\n", MAIL, MAIL))

    assert (code, output) == (5, "id-1\nid-2\n")
    assert "up to line 3 were handed in" in errors


def test_an_outage_from_the_beginning_names_the_place(
    postroom: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_BROKER_URL", "redis://user:canary@127.0.0.1:1/0")
    code, _, errors = postroom("send-many", write(file, MAIL))

    assert code == 5
    assert "127.0.0.1:1" in errors
    assert "canary" not in errors
