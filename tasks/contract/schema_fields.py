"""What each field of the wire looks like in JSON Schema; descriptions say what a schema cannot."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tasks.contract import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

_Schema = dict[str, "JsonValue"]


def _text(description: str, **more: JsonValue) -> _Schema:
    return {"description": description, "type": ["string", "null"], **more}


def _list(description: str, most: int, **more: JsonValue) -> _Schema:
    return {
        "description": description,
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "maxItems": most},
            {"type": "null"},
        ],
        **more,
    }


def _integer(description: str, least: int, most: int, **more: JsonValue) -> _Schema:
    return {
        "description": description,
        "anyOf": [
            {"type": "integer", "minimum": least, "maximum": most},
            {"type": "string", "pattern": "^[0-9]{1,7}$"},
            {"type": "null"},
        ],
        **more,
    }


def _map(description: str, most: int, key: _Schema, longest: int) -> _Schema:
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": key,
        "additionalProperties": {"type": "string", "maxLength": longest},
        "maxProperties": most,
    }


_ADDRESSES: Final = "addresses with ';' between them, or a list with one address in each element"

#: Field → its schema, without the title.
FIELDS: Final[Mapping[str, _Schema]] = MappingProxyType(
    {
        "smtp_authentication": {
            "description": "Transport security: null is unsecure, TLS requires STARTTLS, SSL is "
            "implicit TLS. Left out, the account's holds.",
            "enum": [None, "TLS", "SSL"],
        },
        "smtp_host": _text(
            "Bare name or IP address of the mail server; left out, the account's.",
            examples=["smtp.example.com"],
        ),
        "smtp_port": _integer("Port of the mail server; left out, the account's.", 1, 65535, examples=[587]),
        "user_name": _text(
            "Picks the account by its user name. There is no field for a password.",
            maxLength=limits.MAX_USER_NAME,
        ),
        "smtp_ssl_trust": _text(
            "*, or hosts whose certificate is not verified, or sha256:<hex> fingerprints, or ca:<file>. "
            "Left out, every certificate is verified in full unless the account says otherwise.",
            maxLength=limits.MAX_TRUST,
            examples=["smtp.intranet.example", "ca:company.pem"],
        ),
        "to": {
            "description": f"Recipients: {_ADDRESSES}; at least one.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "maxItems": limits.MAX_RECIPIENTS,
                },
            ],
            "examples": ["Jane Doe <jane@example.com>; john@example.com", ["jane@example.com"]],
        },
        "cc": _list(f"Further recipients: {_ADDRESSES}.", limits.MAX_RECIPIENTS),
        "bcc": _list(f"Hidden recipients, in the envelope only: {_ADDRESSES}.", limits.MAX_RECIPIENTS),
        "subject": {
            "description": "One line, not blank; white space around it is stripped, a TAB becomes a space.",
            "type": "string",
            "minLength": 1,
        },
        "body": {
            "description": "The text; at most 10 MiB in UTF-8, without NUL.",
            "type": "string",
            "minLength": 1,
        },
        "attachments": _list(
            "Files of the worker, below its attachment folders, with ';' between their names (double "
            "quotes around a name that has one), or a list; stored:<64 hex digits>/<name> for bytes "
            "stored beforehand.",
            limits.MAX_ATTACHMENTS,
            examples=['report.pdf; "figures; 2030.csv"'],
        ),
        "timeout": _integer(
            "Milliseconds that the whole delivery may take from the moment a worker takes it up.",
            limits.MIN_TIMEOUT,
            limits.MAX_TIMEOUT,
            default=limits.DEFAULT_TIMEOUT,
        ),
        "email_format": {
            "description": "Whether the body is plain text or HTML.",
            "enum": ["plain", "html", None],
            "default": "plain",
        },
        "encoding": _text("MIME name of the character set.", default="utf-8", examples=["iso-8859-1"]),
        "account": _text("Name of the credential record in the worker.", maxLength=limits.MAX_ACCOUNT),
        "sender": _text("From address; left out, the account's.", examples=["Support <support@example.com>"]),
        "reply_to": _list(f"Where answers go: {_ADDRESSES}.", limits.MAX_RECIPIENTS),
        "text_body": _text("Plain alternative of an HTML body; left out, it is made from the body."),
        "headers": _map(
            "Extra headers: X-* and a few others.",
            limits.MAX_HEADERS,
            {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", "maxLength": limits.MAX_HEADER_NAME},
            limits.MAX_LINE,
        ),
        "idempotency_key": _text(
            "Same key, same mail: a second request with it returns the first one's id.",
            pattern=f"^[!-~]{{1,{limits.MAX_IDEMPOTENCY_KEY}}}$",
        ),
        "expires_at": {
            "description": "When it is too late to send: ISO 8601 with an offset, or seconds since 1970.",
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": 946684800},
                {"type": "null"},
            ],
            "examples": ["2030-01-31T12:00:00Z", 1896091200],
        },
        "on_unknown": {
            "description": "What follows where no answer to the final dot came: report the outcome as "
            "unknown, or send again with the same Message-ID. Left out, the account's choice.",
            "enum": ["report", "resend", None],
        },
        "metadata": _map(
            "Kept with the result, never sent.",
            limits.MAX_METADATA,
            {"minLength": 1, "maxLength": limits.MAX_METADATA_KEY},
            limits.MAX_METADATA_VALUE,
        ),
    }
)
