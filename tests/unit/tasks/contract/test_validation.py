"""Names, nulls, and all errors at once."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.labels import LABELS
from tasks.contract.parameters import SendEmail
from tasks.contract.validation import parse

MAIL: dict[str, Any] = {"to": "jane@example.com", "subject": "Hello", "body": "Text"}


def errors_of(data: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse(data)
    return caught.value


#: The connector's page, input by input: label, field, a value, and what becomes of it.
SEED: list[tuple[str, str, Any, Any]] = [
    ("Smtp Authentication", "smtp_authentication", "SSL", "SSL"),
    ("Smtp Host", "smtp_host", "smtp.example.com", "smtp.example.com"),
    ("Smtp Port", "smtp_port", "465", 465),
    ("User Name", "user_name", "mailer", "mailer"),
    ("Smtp SSL Trust", "smtp_ssl_trust", "smtp.example.com", "smtp.example.com"),
    ("Email Recipients (TO) List", "to", "a@x.com;b@x.com", ["a@x.com", "b@x.com"]),
    ("Email Recipients (CC) List", "cc", "c@x.com", ["c@x.com"]),
    ("Email Recipients (BCC) List", "bcc", "d@x.com", ["d@x.com"]),
    ("Subject", "subject", "Hello", "Hello"),
    ("Body", "body", "Text", "Text"),
    ("Attachments", "attachments", "a.pdf;b.pdf", ["a.pdf", "b.pdf"]),
    ("Timeout", "timeout", 30000, 30000),
    ("Email Format", "email_format", "HTML", "html"),
    ("Encoding", "encoding", "UTF-8", "utf-8"),
]


def test_every_input_of_the_connector_has_its_field() -> None:
    mail = parse({label: value for label, _, value, _ in SEED})

    assert mail.to_message() == {field: parsed for _, field, _, parsed in SEED}


@pytest.mark.parametrize(("label", "field", "value", "parsed"), SEED, ids=[row[1] for row in SEED])
def test_a_label_is_accepted_in_any_case_and_spacing(label: str, field: str, value: Any, parsed: Any) -> None:
    others = {name: given for name, given in MAIL.items() if name != field}

    for spelling in (label, label.upper(), label.replace(" ", ""), f" {label.lower()} ", field):
        assert parse({**others, spelling: value}).to_message()[field] == parsed


def test_every_field_has_a_label() -> None:
    assert list(LABELS) == list(SendEmail.model_fields)


def test_required_are_the_three_inputs_that_the_page_requires() -> None:
    required = {name for name, field in SendEmail.model_fields.items() if field.is_required()}

    assert required == {"to", "subject", "body"}


def test_all_errors_of_all_fields_come_at_once() -> None:
    invalid = errors_of(
        {
            "to": "a@x.com; nobody; b@x.com; @",
            "subject": "a\nb",
            "smtp_authentication": None,
            "smtp_ssl_trust": "*",
            "timeout": 1,
            "attachments": "../x",
            "Password": "hunter2",
            "colour": "red",
        }
    )

    assert [(error.field, error.code) for error in invalid.errors] == [
        ("Password", 602),
        ("colour", 600),
        ("smtp_ssl_trust", 600),
        ("to", 600),
        ("to", 600),
        ("subject", 600),
        ("body", 600),
        ("attachments", 601),
        ("timeout", 600),
    ]
    assert invalid.code is LocalCode.INVALID_INPUT
    assert "entry 2" in str(invalid)
    assert "entry 4" in str(invalid)


def test_the_code_is_the_first_error_s_where_no_input_is_invalid_as_such() -> None:
    invalid = errors_of({**MAIL, "Password": "x", "attachments": "../x"})

    assert [error.code for error in invalid.errors] == [602, 601]
    assert invalid.code is LocalCode.POLICY


def test_an_error_text_names_field_problem_and_advice() -> None:
    error = FieldError("timeout", "Timeout", LocalCode.INVALID_INPUT, "5 is out of range", "must be more")

    assert error.message == "Timeout: 5 is out of range; must be more"


def test_invalid_input_survives_a_pickle() -> None:
    invalid = errors_of({**MAIL, "timeout": 1, "subject": ""})

    copy = pickle.loads(pickle.dumps(invalid))  # noqa: S301  # our own bytes: Celery pickles exceptions

    assert copy.errors == invalid.errors
    assert str(copy) == str(invalid)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Smtp Hots", 'did you mean "Smtp Host"?'),
        ("subjekt", 'did you mean "Subject"?'),
        ("Email Server", "use Smtp Host"),
        ("from", "use sender"),
        ("html", "use body"),
        ("send_at", "option of enqueueing"),
        ("zzzzzz", "remove it"),
        ("Smtp Pasword", "passwords are not accepted"),
    ],
)
def test_an_unknown_field_gets_advice(name: str, advice: str) -> None:
    invalid = errors_of({**MAIL, name: "x"})

    assert advice in str(invalid)
    assert "is an unknown field" in str(invalid)


def test_the_name_of_an_unknown_field_is_cut_and_escaped() -> None:
    invalid = errors_of({**MAIL, "a\r\nb" + "c" * 100: 1})

    assert "a\\r\\nb" in str(invalid)
    assert "c" * 41 not in str(invalid)
    assert "\n" not in str(invalid)


def test_a_field_given_under_two_names_is_refused() -> None:
    invalid = errors_of({**MAIL, "Subject": "Other"})

    assert str(invalid) == "Subject: is given twice; give it once, as subject or as Subject"


def test_a_name_that_is_no_string_is_refused() -> None:
    assert "field names are strings" in str(errors_of({**MAIL, 3: 4}))


def test_null_and_blank_text_leave_an_optional_field_out() -> None:
    optional = [name for name, field in SendEmail.model_fields.items() if not field.is_required()]
    speaking = {"smtp_authentication", "idempotency_key"}

    for blank in (None, "", " \r\n"):
        given = {name: blank for name in optional if name not in speaking}

        assert parse({**MAIL, **given}) == parse(MAIL)
        assert parse({**MAIL, **given}).model_fields_set == set(MAIL)


def test_a_null_authentication_is_not_the_same_as_none_given() -> None:
    assert parse(MAIL).security is None
    assert "smtp_authentication" not in parse(MAIL).to_message()
    assert parse({**MAIL, "smtp_authentication": None}).to_message()["smtp_authentication"] is None


@pytest.mark.parametrize(
    "data",
    [
        {f"x{number}": 1 for number in range(101)},
        {**MAIL, "to": ["a@x.com"] * 10_001},
        {**MAIL, "metadata": {str(number): "" for number in range(10_001)}},
        {**MAIL, "body": "ü" * (41 * 1024 * 1024)},
    ],
    ids=["fields", "elements", "entries", "text"],
)
def test_a_request_without_measure_is_refused_as_a_whole(data: dict[str, Any]) -> None:
    assert [error.label for error in errors_of(data).errors] == ["Message"]


def test_nothing_that_was_given_stands_in_the_traceback_s_causes() -> None:
    invalid = errors_of({**MAIL, "subject": "canary\n canary"})

    assert invalid.__cause__ is None
    assert invalid.__suppress_context__
    assert "canary" not in repr(invalid)


def test_the_contract_loads_neither_celery_nor_smtplib_nor_ssl() -> None:
    code = (
        "import sys, tasks.contract.validation, tasks.contract.schema;"
        "print(sorted({'celery', 'kombu', 'redis', 'smtplib', 'dns'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # fixed arguments

    assert done.stdout.strip() == "[]"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.builds(pow, st.just(10), st.just(5000))
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=6,
)
names = st.sampled_from([*LABELS, *LABELS.values()]) | st.text(max_size=8) | st.integers()


def refusals(data: Any) -> list[str]:
    try:
        parse(data)
    except InvalidInput as invalid:
        return [str(invalid), *(error.message for error in invalid.errors)]
    return []


@given(st.dictionaries(names, anything))
def test_parse_raises_nothing_but_invalid_input(data: dict[Any, Any]) -> None:
    texts = refusals(data) + refusals({**MAIL, **data})

    assert all(text.isprintable() for text in texts)
    assert refusals({**MAIL, **data, "to": ""})


@given(anything)
def test_parse_raises_nothing_but_invalid_input_whatever_it_is_given(data: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(data)
