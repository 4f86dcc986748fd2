"""The bad-input catalogue, row by row: what is refused with which words, and what is accepted as what."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput
from tasks.contract.security import Security
from tasks.contract.validation import parse
from tests.scoreboard import Measure

pytestmark = pytest.mark.scores(Measure.BAD_INPUTS)

MAIL: dict[str, Any] = {"to": "jane@example.com", "subject": "Hello", "body": "Text"}
MIB = 1024 * 1024


def errors_of(**fields: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse({name: value for name, value in {**MAIL, **fields}.items() if value is not ...})
    return caught.value


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("1", {"smtp_authentication": "STARTTLS+"}, "Smtp Authentication", "must be null, TLS or SSL"),
    ("3", {"smtp_authentication": 1}, "Smtp Authentication", "must be a string"),
    ("3b", {"smtp_authentication": False}, "Smtp Authentication", "must be a string"),
    ("6", {"smtp_host": "smtp.example.com\r\nRCPT TO:<x>"}, "Smtp Host", "contains control characters"),
    ("7", {"smtp_host": "smtp.example.com:587"}, "Smtp Host", "the port does not belong in the host"),
    ("7b", {"smtp_host": "[::1]:25"}, "Smtp Host", "the port does not belong in the host"),
    ("8", {"smtp_host": "smtp://host"}, "Smtp Host", "must be a bare host name or IP"),
    ("8b", {"smtp_host": "user:secret@host"}, "Smtp Host", "must be a bare host name or IP"),
    ("9a", {"smtp_host": "-bad-.com"}, "Smtp Host", "not a valid host name"),
    ("9b", {"smtp_host": "a..b"}, "Smtp Host", "not a valid host name"),
    ("9c", {"smtp_host": ".".join(["a" * 62] * 4) + ".bc"}, "Smtp Host", "not a valid host name"),
    ("9d", {"smtp_host": "a" * 64 + ".com"}, "Smtp Host", "not a valid host name"),
    ("9e", {"smtp_host": 25}, "Smtp Host", "must be text"),
    ("9f", {"smtp_host": "fe80::1%eth0"}, "Smtp Host", "zone index"),
    ("12", {"smtp_host": "при мер.рф"}, "Smtp Host", "not a valid host name"),
    ("14a", {"smtp_port": 0}, "Smtp Port", "must be 1-65535"),
    ("14b", {"smtp_port": -1}, "Smtp Port", "must be 1-65535"),
    ("14c", {"smtp_port": 65536}, "Smtp Port", "must be 1-65535"),
    ("14d", {"smtp_port": 99999999999}, "Smtp Port", "must be 1-65535"),
    ("14e", {"smtp_port": 10**5000}, "Smtp Port", "must be 1-65535"),
    ("15a", {"smtp_port": "587.0"}, "Smtp Port", "must be an integer"),
    ("15b", {"smtp_port": " 587x"}, "Smtp Port", "must be an integer"),
    ("15c", {"smtp_port": "٥٨٧"}, "Smtp Port", "must be an integer"),
    ("16a", {"smtp_port": 587.5}, "Smtp Port", "must be an integer"),
    ("16b", {"smtp_port": True}, "Smtp Port", "must be an integer"),
    ("16c", {"smtp_port": float("nan")}, "Smtp Port", "must be an integer"),
    ("19a", {"user_name": "a\nb"}, "User Name", "contains line breaks"),
    ("19b", {"user_name": "a\x00b"}, "User Name", "contains control characters"),
    ("21", {"user_name": "a" * 10_000}, "User Name", "at most 320 characters"),
    ("23a", {"smtp_ssl_trust": "file:///etc/passwd"}, "Smtp SSL Trust", "no path"),
    ("23b", {"smtp_ssl_trust": "../ca.pem"}, "Smtp SSL Trust", "names a file"),
    ("25", {"smtp_ssl_trust": "*", "smtp_authentication": None}, "Smtp SSL Trust", "no effect without TLS"),
    ("26a", {"to": ...}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("26b", {"to": ""}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("26c", {"to": "   "}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("26d", {"to": ";;;"}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("26e", {"to": []}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("27", {"to": "a@x.com,b@x.com"}, "Email Recipients (TO) List", "separate addresses with ';'"),
    ("29", {"to": "a@x.com\r\nBcc: v@y.com"}, "Email Recipients (TO) List", "entry 1 contains control"),
    ("29b", {"to": ["a@x.com\x00"]}, "Email Recipients (TO) List", "entry 1 contains control characters"),
    ("31a", {"to": "plainaddress"}, "Email Recipients (TO) List", "entry 1 is not an email address"),
    ("31b", {"to": "ok@x.com; @x.com"}, "Email Recipients (TO) List", "entry 2 is not an email address"),
    ("31c", {"to": "a@"}, "Email Recipients (TO) List", "entry 1 is not an email address"),
    ("31d", {"to": "a b@x.com"}, "Email Recipients (TO) List", "entry 1 is not an email address"),
    ("31e", {"to": "a@x..com"}, "Email Recipients (TO) List", "entry 1 is not an email address"),
    ("31f", {"to": "a@-x.com"}, "Email Recipients (TO) List", "entry 1 is not an email address"),
    (
        "37",
        {"to": [f"a{n}@x.com" for n in range(50)], "bcc": [f"b{n}@x.com" for n in range(51)]},
        "Email Recipients (BCC) List",
        "at most 100 recipients",
    ),
    (
        "37a",
        {
            "to": [f"a{n}@x.com" for n in range(40)],
            "cc": [f"b{n}@x.com" for n in range(40)],
            "bcc": [f"c{n}@x.com" for n in range(21)],
        },
        "Email Recipients (BCC) List",
        "at most 100 recipients",
    ),
    ("37b", {"to": ["a@x.com"] * 101}, "Email Recipients (TO) List", "at most 100 recipients"),
    ("37c", {"to": "a@x.com;" * 100_000}, "Email Recipients (TO) List", "at most 100 recipients"),
    ("41a", {"to": "a@[127.0.0.1]"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    ("41b", {"to": "a@localhost"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    ("41c", {"to": "postmaster"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    ("41d", {"to": "/dev/null"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    ("41e", {"to": "|cmd"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    ("41f", {"to": "a@127.0.0.1"}, "Email Recipients (TO) List", "entry 1 is not an allowed address"),
    (
        "43a",
        {"to": 42},
        "Email Recipients (TO) List",
        "must be a string with ';' between addresses, or a list",
    ),
    ("43b", {"to": None}, "Email Recipients (TO) List", "a string with ';' between addresses, or a list"),
    ("43c", {"cc": [42]}, "Email Recipients (CC) List", "entry 1 is no string"),
    ("45", {"cc": "a@x.com,b@x.com"}, "Email Recipients (CC) List", "separate addresses with ';'"),
    ("47", {"to": ..., "bcc": "a@x.com"}, "Email Recipients (TO) List", "at least one recipient is required"),
    ("48a", {"subject": ...}, "Subject", "a subject is required"),
    ("48b", {"subject": None}, "Subject", "a subject is required"),
    ("48c", {"subject": ""}, "Subject", "a subject is required"),
    ("48d", {"subject": " \t "}, "Subject", "a subject is required"),
    ("48e", {"subject": "\u3000"}, "Subject", "a subject is required"),
    ("49a", {"subject": "Hi\r\nBcc: v@y.com"}, "Subject", "contains line breaks"),
    ("49b", {"subject": "a\rb"}, "Subject", "contains line breaks"),
    ("49c", {"subject": "\r\n"}, "Subject", "is blank"),
    ("50a", {"subject": "a\x00b"}, "Subject", "contains control characters"),
    ("50b", {"subject": "\x1b[31m"}, "Subject", "contains control characters"),
    ("50c", {"subject": "\x85"}, "Subject", "contains control characters"),
    ("50d", {"subject": "\u2028"}, "Subject", "contains control characters"),
    ("50e", {"subject": "a\ud800"}, "Subject", "contains characters that cannot be sent"),
    ("51", {"subject": "a" * 999}, "Subject", "at most 998 characters"),
    ("54a", {"body": ...}, "Body", "a body is required"),
    ("54b", {"body": None}, "Body", "a body is required"),
    ("54c", {"body": ""}, "Body", "a body is required"),
    ("55", {"body": "a" * (11 * MIB)}, "Body", "at most 10 MiB"),
    ("55b", {"body": "ü" * (6 * MIB)}, "Body", "at most 10 MiB"),
    ("58a", {"body": "a\x00b"}, "Body", "contains characters that cannot be sent"),
    ("58b", {"body": "a\udfff"}, "Body", "contains characters that cannot be sent"),
    ("59", {"body": b"bytes"}, "Body", "must be text"),
    ("72a", {"timeout": 0}, "Timeout", "must be 1000-3600000 milliseconds"),
    ("72b", {"timeout": -5}, "Timeout", "must be 1000-3600000 milliseconds"),
    ("72c", {"timeout": 999}, "Timeout", "must be 1000-3600000 milliseconds"),
    ("72d", {"timeout": 3600001}, "Timeout", "must be 1000-3600000 milliseconds"),
    ("73a", {"timeout": "30s"}, "Timeout", "must be a whole number of milliseconds"),
    ("73b", {"timeout": 30.5}, "Timeout", "must be a whole number of milliseconds"),
    ("73c", {"timeout": True}, "Timeout", "must be a whole number of milliseconds"),
    ("75a", {"email_format": "markdown"}, "Email Format", "must be HTML or plain text"),
    ("75b", {"email_format": "text/html\r\nX: y"}, "Email Format", "must be a single line"),
    ("77a", {"encoding": "utf-99"}, "Encoding", "unknown character set"),
    ("77b", {"encoding": "idna"}, "Encoding", "unknown character set"),
    ("79", {"encoding": "utf-16"}, "Encoding", "use utf-8"),
    ("81", {"Smtp Pasword": "x"}, '"Smtp Pasword"', "unknown field; did you mean"),
    ("81b", {"Time out in ms": 5000}, '"Time out in ms"', "unknown field"),
    ("83", {"metadata": {"a": "x" * (50 * MIB)}}, "Message", "larger than 40 MiB"),
    ("84a", {"idempotency_key": ""}, "Idempotency Key", "1-255 printable ASCII"),
    ("84b", {"idempotency_key": "k" * 256}, "Idempotency Key", "1-255 printable ASCII"),
    ("84c", {"idempotency_key": "a b"}, "Idempotency Key", "1-255 printable ASCII"),
    ("84d", {"idempotency_key": "ü"}, "Idempotency Key", "1-255 printable ASCII"),
    ("84e", {"idempotency_key": "k\n"}, "Idempotency Key", "1-255 printable ASCII"),
]


@pytest.mark.parametrize(
    ("fields", "label", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_row_of_bad_input_is_refused_by_field_and_reason(
    fields: dict[str, Any], label: str, words: str
) -> None:
    invalid = errors_of(**fields)

    assert [error.label for error in invalid.errors] == [label]
    assert words in invalid.errors[0].message
    assert invalid.code is LocalCode.INVALID_INPUT


ATTACHMENTS: list[tuple[str, Any, str]] = [
    ("61", "../../etc/passwd", "leaves the attachment folder"),
    ("61b", "a/..\\..\\b.txt", "leaves the attachment folder"),
    ("65", ["a.txt"] * 21, "at most 20 files"),
    ("65b", ";a.txt" * 20_000, "at most 20 files"),
    ("68a", ["a\r\nX: y.txt"], "contains control characters"),
    ("68b", "a\x00.txt", "contains control characters"),
    ("68d", "a" * 300, "at most 255 bytes"),
    ("68e", "a\udc80.txt", "contains control characters"),
    ("69a", "http://x/y.txt", "must be a file name in the attachment folder"),
    ("69b", "file:///etc/passwd", "must be a file name in the attachment folder"),
    ("69c", "FILE:x", "must be a file name in the attachment folder"),
    ("69d", "stored:zz/a.txt", "no reference to stored bytes"),
    ("69e", f"stored:{'a' * 64}/../a.txt", "no reference to stored bytes"),
    ("69f", "folder/", "is a folder"),
    ("69g", '"a;b.txt', "unclosed double quote"),
    ("69h", 42, "must be a string"),
    ("69i", [42], "no string"),
]


@pytest.mark.parametrize(
    ("value", "words"), [row[1:] for row in ATTACHMENTS], ids=[row[0] for row in ATTACHMENTS]
)
def test_a_bad_attachment_is_refused_with_its_own_code_and_without_its_name(value: Any, words: str) -> None:
    invalid = errors_of(attachments=value)

    assert invalid.code is LocalCode.ATTACHMENT
    assert words in str(invalid)
    assert "passwd" not in str(invalid)


POLICY: list[tuple[str, dict[str, Any], str]] = [
    ("10e", {"smtp_host": "0x7f.1"}, "unusual spelling"),
    ("10f", {"smtp_host": "2130706433"}, "unusual spelling"),
    ("10h", {"smtp_host": "\uff11\uff12\uff17.0.0.256"}, "unusual spelling"),
    ("82a", {"Password": "hunter2"}, "passwords are not accepted in messages"),
    ("82b", {"Email Server Password": "hunter2"}, "passwords are not accepted in messages"),
    ("82c", {"smtp_password": "hunter2"}, "passwords are not accepted in messages"),
]


@pytest.mark.parametrize(("fields", "words"), [row[1:] for row in POLICY], ids=[row[0] for row in POLICY])
def test_what_policy_forbids_in_every_installation_is_refused_as_policy(
    fields: dict[str, Any], words: str
) -> None:
    invalid = errors_of(**fields)

    assert invalid.code is LocalCode.POLICY
    assert words in str(invalid)
    assert "hunter2" not in str(invalid)


ACCEPTED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("2a", {"smtp_authentication": "tls "}, "security", Security.STARTTLS),
    ("2b", {"smtp_authentication": "Tls"}, "security", Security.STARTTLS),
    ("2c", {"smtp_authentication": None}, "security", Security.NONE),
    ("2d", {"smtp_authentication": ""}, "security", Security.NONE),
    ("2e", {"smtp_authentication": "null"}, "security", Security.NONE),
    ("2f", {"smtp_authentication": "NULL"}, "security", Security.NONE),
    ("2g", {"smtp_authentication": "StartTLS"}, "security", Security.STARTTLS),
    ("2h", {"smtp_authentication": "SSL/TLS"}, "security", Security.IMPLICIT_TLS),
    ("2i", {"smtp_authentication": "smtps"}, "security", Security.IMPLICIT_TLS),
    ("2j", {"smtp_authentication": "unsecure"}, "security", Security.NONE),
    ("2k", {}, "security", None),
    ("5", {"smtp_host": ""}, "smtp_host", None),
    ("10a", {"smtp_host": "169.254.169.254"}, "smtp_host", "169.254.169.254"),
    ("10d", {"smtp_host": "[::1]"}, "smtp_host", "::1"),
    ("10g", {"smtp_host": "localhost"}, "smtp_host", "localhost"),
    ("12", {"smtp_host": "пример.рф"}, "smtp_host", "xn--e1afmkfd.xn--p1ai"),
    ("13", {"smtp_host": " SMTP.Corp. "}, "smtp_host", "smtp.corp"),
    ("13b", {"smtp_host": "mail_catcher"}, "smtp_host", "mail_catcher"),
    ("15", {"smtp_port": "587"}, "smtp_port", 587),
    ("16", {"smtp_port": 587.0}, "smtp_port", 587),
    ("48", {"subject": "Hi\n"}, "subject", "Hi"),
    ("49", {"subject": " a\tb\r\n"}, "subject", "a b"),
    ("51", {"subject": "a" * 998}, "subject", "a" * 998),
    ("53a", {"subject": "日本語 😀"}, "subject", "日本語 😀"),
    ("53b", {"subject": "=?utf-8?b?eA==?="}, "subject", "=?utf-8?b?eA==?="),
    ("55", {"body": "a" * (10 * MIB)}, "body", "a" * (10 * MIB)),
    (
        "56",
        {"body": "\r\n.\r\nMAIL FROM:<x>\v\f\x85\u2028\r"},
        "body",
        "\r\n.\r\nMAIL FROM:<x>\v\f\x85\u2028\r",
    ),
    ("60", {"body": "<p>x</p>"}, "email_format", "plain"),
    ("61", {"attachments": "/etc/shadow"}, "attachments", ("/etc/shadow",)),
    ("67", {"attachments": "a.txt;; b.txt;"}, "attachments", ("a.txt", "b.txt")),
    ("68c", {"attachments": 'a".txt'}, "attachments", ('a".txt',)),
    ("68f", {"attachments": "ünï.txt"}, "attachments", ("ünï.txt",)),
    ("68g", {"attachments": '"a;\\"b\\".txt" ;c.txt'}, "attachments", ('a;"b".txt', "c.txt")),
    ("68h", {"attachments": ["a;b.txt"]}, "attachments", ("a;b.txt",)),
    ("69", {"attachments": f"stored:{'0a' * 32}/b.txt"}, "attachments", (f"stored:{'0a' * 32}/b.txt",)),
    ("73", {"timeout": "30000"}, "timeout", 30000),
    ("74", {}, "timeout_seconds", 60.0),
    ("76a", {"email_format": "Html"}, "email_format", "html"),
    ("76b", {"email_format": " plain "}, "email_format", "plain"),
    ("76c", {"email_format": "TEXT"}, "email_format", "plain"),
    ("76d", {"email_format": None}, "email_format", "plain"),
    ("76e", {"email_format": "Plain  Text"}, "email_format", "plain"),
    ("76f", {"email_format": "text/HTML"}, "email_format", "html"),
    ("79a", {"encoding": "UTF8"}, "encoding", "utf-8"),
    ("79b", {"encoding": "latin1"}, "encoding", "iso-8859-1"),
    ("79c", {"encoding": "windows-1252"}, "encoding", "windows-1252"),
    ("79d", {"encoding": "iso-2022-jp"}, "encoding", "iso-2022-jp"),
    ("84", {"idempotency_key": "k" * 255}, "idempotency_key", "k" * 255),
]


@pytest.mark.parametrize(
    ("fields", "name", "value"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED]
)
def test_a_row_of_odd_but_good_input_is_accepted_as(fields: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(parse({**MAIL, **fields}), name) == value


RECIPIENTS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("28", {"to": "a@x.com; ;b@x.com;"}, ["a@x.com", "b@x.com"]),
    ("33", {"to": '"a;b" <a@x.com>'}, ["a@x.com"]),
    ("35", {"to": "a@x.com; A@X.COM; a@X.com"}, ["a@x.com"]),
    ("37", {"to": [f"a{n}@x.com" for n in range(100)]}, [f"a{n}@x.com" for n in range(100)]),
    ("39", {"to": "ü@x.com"}, ["ü@x.com"]),
    ("40", {"to": "a@ünïcode.com"}, ["a@xn--ncode-cta3g.com"]),
    ("45", {"to": "a@x.com", "cc": "b@x.com; A@x.com"}, ["a@x.com", "b@x.com"]),
    ("46", {"to": "a@x.com", "bcc": "a@x.com;c@x.com"}, ["a@x.com", "c@x.com"]),
]


@pytest.mark.parametrize(
    ("fields", "expected"), [row[1:] for row in RECIPIENTS], ids=[row[0] for row in RECIPIENTS]
)
def test_a_row_of_recipients_makes_these_envelope_recipients(
    fields: dict[str, Any], expected: list[str]
) -> None:
    assert [mailbox.addr_spec for mailbox in parse({**MAIL, **fields}).recipients] == expected


def test_merged_recipients_are_named_masked() -> None:
    mail = parse({**MAIL, "to": "a@x.com; A@X.COM", "cc": "a@X.com"})

    assert mail.merged == ("A***@x.com", "a***@x.com")


def test_bytes_are_no_mapping_and_neither_is_a_list() -> None:
    data: Any
    for data in (b"{}", [], None, 3, "{}"):
        with pytest.raises(InvalidInput, match="must be an object"):
            parse(data)
