"""
The contract as JSON Schema, for producers in any language.

`python -m tasks.contract.schema docs/contract` writes the published files anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasks.contract.labels import label_of
from tasks.contract.parameters import SendEmail
from tasks.contract.result import SendEmailResult
from tasks.contract.schema_fields import FIELDS

if TYPE_CHECKING:
    from pydantic import JsonValue

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "to": "Jane Doe <jane@example.com>; john@example.com",
    "subject": "Reset your password",
    "body": "<p>Use <a href='https://example.com/reset'>this link</a> within 30 minutes.</p>",
    "email_format": "html",
    "timeout": 30000,
}


def send_email_schema() -> dict[str, JsonValue]:
    """Return the JSON Schema (2020-12) of the keyword arguments of `send_email`, in their canonical forms."""
    required: list[JsonValue] = [
        name for name, field in SendEmail.model_fields.items() if field.is_required()
    ]
    return {
        "$schema": _DIALECT,
        "$id": "urn:postroom:send_email",
        "title": "send_email",
        "description": "The keyword arguments of the Celery task send_email. Null means: not given.",
        "type": "object",
        "properties": {name: {"title": label_of(name), **FIELDS[name]} for name in SendEmail.model_fields},
        "required": required,
        "additionalProperties": False,
        "examples": [_EXAMPLE],
    }


def result_schema() -> dict[str, JsonValue]:
    """
    Return the JSON Schema (2020-12) of a result.

    It allows further properties: readers must expect details that later versions add.
    """
    schema = SendEmailResult.model_json_schema(mode="serialization")
    _open(schema)
    return {"$schema": _DIALECT, "$id": "urn:postroom:result", **schema}


def write(folder: Path) -> tuple[Path, ...]:
    """Write both schemas into *folder* and return the files."""
    schemas = {"send_email": send_email_schema(), "result": result_schema()}
    files = tuple(folder / f"{name}.schema.json" for name in schemas)
    for file, schema in zip(files, schemas.values(), strict=True):
        file.write_text(as_text(schema), encoding="utf-8")
    return files


def as_text(schema: dict[str, JsonValue]) -> str:
    """Return *schema* as it is published: indented, with a final line break."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _open(schema: dict[str, JsonValue]) -> None:
    schema.pop("additionalProperties", None)
    definitions = schema.get("$defs")
    for part in definitions.values() if isinstance(definitions, dict) else ():
        if isinstance(part, dict):
            part.pop("additionalProperties", None)


if __name__ == "__main__":
    write(Path(*sys.argv[1:]))
