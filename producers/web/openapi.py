"""The OpenAPI document: what FastAPI knows of the routes, and the contract's own schema of an email."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from producers.web.answers import ProblemDocument
from producers.web.outgoing import webhooks
from tasks.contract.schema import send_email_schema

if TYPE_CHECKING:
    from fastapi import FastAPI

_ABOUT = """\
Hand emails in, ask what became of them, cancel them, send them again.

An email that was answered with 202 is kept: it is sent once, or its result says why not. Every error is a
problem document (RFC 9457), whose `type` programs may go by.
"""


def document(app: FastAPI) -> dict[str, Any]:
    """Return the document of *app*, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_ABOUT, routes=app.routes
    )
    found["webhooks"] = webhooks()
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    email = send_email_schema()
    schemas["SendEmail"] = {name: email[name] for name in email if name not in {"$schema", "$id"}}
    _drop_fastapis_errors(found)
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, as `postroom key create` prints it.",
        }
    }
    _ask_for_keys(found)
    return _with_one_problem(found)


def _with_one_problem(found: dict[str, Any]) -> dict[str, Any]:
    """Return *found* with one name for the problem: of two with one title a generator makes one class."""
    schemas = found["components"]["schemas"]
    schemas["Problem"] = schemas.pop(ProblemDocument.__name__)
    text = json.dumps(found).replace(f'/schemas/{ProblemDocument.__name__}"', '/schemas/Problem"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _ask_for_keys(found: dict[str, Any]) -> None:
    for operations in found["paths"].values():
        for operation in operations.values():
            if "401" in operation["responses"]:
                operation["security"] = [{"key": []}]


def _drop_fastapis_errors(found: dict[str, Any]) -> None:
    """Drop the answer that FastAPI would give to wrong parameters: here it is a problem, or cannot be."""
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)
    for operations in found["paths"].values():
        for operation in operations.values():
            answer = operation["responses"].get("422", {})
            if "application/json" in answer.get("content", {}):
                del operation["responses"]["422"]
