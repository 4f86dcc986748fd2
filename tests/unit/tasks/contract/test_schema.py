"""The published contract says what the code does."""

from __future__ import annotations

import ast
import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tasks.contract import codes, limits
from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput, Refused
from tasks.contract.headers import parse_headers
from tasks.contract.labels import EXTRA_LABELS, SEED_LABELS
from tasks.contract.names import TASK_NAME, Lane
from tasks.contract.parameters import SendEmail
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.schema import as_text, result_schema, send_email_schema, write
from tasks.contract.status import MailState
from tasks.contract.validation import parse

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "contract.md").read_text(encoding="utf-8")
MAIL: dict[str, Any] = {"to": "jane@example.com", "subject": "Hello", "body": "Text"}
MESSAGES = Draft202012Validator(send_email_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
RESULTS = Draft202012Validator(result_schema())

RESULT = SendEmailResult(
    success=True,
    code=250,
    message="2.0.0 queued",
    delivery=Delivery.SENT,
    retryable=False,
    source="server",
    finished_at=datetime(2030, 1, 1, tzinfo=UTC),
).model_dump(mode="json")


@pytest.mark.parametrize(
    ("name", "schema"),
    [("send_email", send_email_schema()), ("result", result_schema())],
    ids=["message", "result"],
)
def test_the_published_schema_is_the_generated_one(name: str, schema: dict[str, Any]) -> None:
    published = (DOCS / "contract" / f"{name}.schema.json").read_text(encoding="utf-8")

    assert published == as_text(schema), "run: python -m tasks.contract.schema docs/contract"
    Draft202012Validator.check_schema(schema)


def test_writing_makes_both_files(tmp_path: Path) -> None:
    assert [file.name for file in write(tmp_path)] == ["send_email.schema.json", "result.schema.json"]
    assert len(list(tmp_path.iterdir())) == 2


def test_every_field_has_a_schema_under_its_label() -> None:
    titles = {name: field["title"] for name, field in send_email_schema()["properties"].items()}  # type: ignore[union-attr, index, call-overload]  # the schema of an object

    assert titles == {**SEED_LABELS, **EXTRA_LABELS}


GOOD: list[dict[str, Any]] = [
    MAIL,
    *send_email_schema()["examples"],  # type: ignore[misc]  # a list of objects
    {**MAIL, "to": ["a@x.com", "B <b@x.com>"], "cc": None, "bcc": ""},
    {**MAIL, "smtp_authentication": None, "smtp_host": "smtp.example.com", "smtp_port": "25"},
    {**MAIL, "timeout": 30000.0, "attachments": ["a;b.pdf"], "encoding": "iso-8859-1"},
    {**MAIL, "headers": {"X-A": "b"}, "metadata": {"a": "b"}, "expires_at": 1896091200},
    {**MAIL, "expires_at": "2030-01-31T12:00:00Z", "on_unknown": "resend", "idempotency_key": "k"},
]


@pytest.mark.parametrize("message", GOOD)
def test_what_the_schema_s_examples_show_is_accepted_by_schema_and_code(message: dict[str, Any]) -> None:
    assert list(MESSAGES.iter_errors(message)) == []
    assert parse(message).to


@pytest.mark.parametrize(
    "change",
    [
        {"to": ...},
        {"to": None},
        {"to": 42},
        {"to": []},
        {"to": ["a@x.com"] * 101},
        {"subject": ...},
        {"subject": None},
        {"subject": ""},
        {"body": ["x"]},
        {"smtp_authentication": "STARTTLS+"},
        {"smtp_port": 0},
        {"smtp_port": 587.5},
        {"smtp_port": True},
        {"timeout": 999},
        {"timeout": "30s"},
        {"email_format": "markdown"},
        {"attachments": ["a"] * 21},
        {"headers": {"X A": "b"}},
        {"headers": {"X-A": 3}},
        {"metadata": {"a": "x" * 201}},
        {"metadata": {"": "x"}},
        {"idempotency_key": "a b"},
        {"on_unknown": "ignore"},
        {"expires_at": 900},
        {"password": "x"},
        {"Subject": "x"},
    ],
    ids=str,
)
def test_what_the_schema_refuses_the_code_refuses(change: dict[str, Any]) -> None:
    message = {name: value for name, value in {**MAIL, **change}.items() if value is not ...}

    assert not MESSAGES.is_valid(message)
    with pytest.raises(InvalidInput):
        parse(message)


def test_a_result_matches_its_schema_and_may_gain_details() -> None:
    assert RESULTS.is_valid(RESULT)
    assert RESULTS.is_valid({**RESULT, "later": 1})
    assert not RESULTS.is_valid({**RESULT, "success": "yes"})
    assert not RESULTS.is_valid({name: value for name, value in RESULT.items() if name != "code"})


def meanings() -> dict[int, str]:
    """Read the members' docstrings, which do not exist at run time."""
    body = next(
        node.body
        for node in ast.parse(inspect.getsource(codes)).body
        if isinstance(node, ast.ClassDef) and node.name == "LocalCode"
    )
    return {
        LocalCode[member.targets[0].id]: ast.literal_eval(text.value)
        for member, text in zip(body[1::2], body[2::2], strict=True)
        if isinstance(member, ast.Assign)
        and isinstance(member.targets[0], ast.Name)
        and isinstance(text, ast.Expr)
    }


def rows(pattern: str) -> list[tuple[str, ...]]:
    return [
        found if isinstance(found, tuple) else (found,) for found in re.findall(pattern, PAGE, re.MULTILINE)
    ]


def test_the_page_s_table_of_local_codes_is_the_code_s() -> None:
    published = {int(code): text for code, text in rows(r"^\| (6\d\d) \| (.+?) \|$")}

    assert len(published) == len(LocalCode)
    assert published == meanings()


def test_the_page_s_table_of_inputs_names_label_field_and_need() -> None:
    published = rows(r"^\| ([^|`]+) \| `(\w+)` \| (yes|no) \|")

    assert published == [
        (label, field, "yes" if SendEmail.model_fields[field].is_required() else "no")
        for field, label in {**SEED_LABELS, **EXTRA_LABELS}.items()
    ]


def test_the_page_names_the_task_its_lanes_the_outputs_and_the_states() -> None:
    for name in (TASK_NAME, *Lane, *SendEmailResult.model_fields, *MailState, *Delivery):
        assert f"`{name}`" in PAGE


def test_the_page_s_example_is_a_mail() -> None:
    example = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])  # type: ignore[index]  # it is there

    assert MESSAGES.is_valid(example)
    assert [mailbox.display_name for mailbox in parse(example).to] == ["Doe; Jane", ""]


def test_the_page_quotes_errors_as_they_are() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse({**MAIL, "to": "a@x.com; nobody", "smtp_port": 70000, "Smtp Hots": "x"})

    assert all(error.message in PAGE for error in caught.value.errors)
    assert len(caught.value.errors) == 3


def test_the_page_names_every_header_that_may_be_set() -> None:
    allowed = re.search(r"^Allowed beside `X-\*`: (.*)\.$", PAGE, re.MULTILINE)[1].split(", ")  # type: ignore[index]  # it is there

    assert len(parse_headers(dict.fromkeys(allowed[:20], "x"))) == 20
    with pytest.raises(Refused, match=re.escape(", ".join(allowed))):
        parse_headers({"Unheard-Of": "x"})


def test_the_page_names_the_limits() -> None:
    for number in (limits.MAX_RECIPIENTS, limits.MAX_LINE, limits.MAX_ATTACHMENTS, limits.MAX_METADATA_VALUE):
        assert str(number) in PAGE
