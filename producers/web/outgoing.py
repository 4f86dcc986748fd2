"""What is posted to webhooks, as the OpenAPI document has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from producers.web.webhook import ENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = {"type": "string"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_HEADERS: Final = {
    "webhook-id": (
        "The same however often the delivery is made.",
        "evt_1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11_1",
    ),
    "webhook-timestamp": ("When this attempt was made, in seconds since 1970.", "1896091200"),
    "webhook-signature": (
        "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; several with a space between them.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}


def webhooks() -> dict[str, Any]:
    """Return the document's member of that name."""
    return {
        "emailEnded": _described(
            "emailEnded",
            "An email of the API key has ended",
            "Posted at least once for every end; docs/howto/webhooks.md says how to verify it.",
            _event({"enum": [f"email.{state}" for state in ENDS]}, {"$ref": "#/components/schemas/Email"}),
        ),
        "webhookTest": _described(
            "webhookTest",
            "Somebody tries the webhook out",
            "Posted once for each test.",
            _event({"const": "webhook.test"}, {"type": "object", "maxProperties": 0}),
        ),
    }


def _described(name: str, summary: str, description: str, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "operationId": name,
            "tags": ["webhooks"],
            "summary": summary,
            "description": description,
            "parameters": [
                {
                    "name": header,
                    "in": "header",
                    "required": True,
                    "description": about,
                    "schema": _TEXT,
                    "example": example,
                }
                for header, (about, example) in _HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": event}}},
            "responses": {
                "2XX": {"description": "It was taken."},
                "410": {"description": "Nothing more is wanted: the webhook is disabled."},
                "default": {"description": "It is delivered again, later."},
            },
        }
    }


def _event(kind: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", **kind},
            "timestamp": {**_MOMENT, "description": "When it happened."},
            "data": dict(data),
        },
        "required": ["type", "timestamp", "data"],
    }
