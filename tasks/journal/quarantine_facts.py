"""What may be shown of a queue entry that is out of order: names, kinds and sizes, never what a mail says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Names and ids are shown up to this length, where they are printable; nobody hides a mail in them.
_MAX_SHOWN: Final = 100
#: How many parts of an entry are listed.
_MAX_PARTS: Final = 60
#: What is looked into, by its name in kombu's format.
_OPENED: Final = ("headers", "properties")


@dataclass(frozen=True, slots=True)
class Facts:
    """*task* and *mail_id* as the entry names them, and by name of its *parts* what each of them is."""

    task: str = ""
    mail_id: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return them as JSON text."""
        return json.dumps({"task": self.task, "mail_id": self.mail_id, "parts": dict(self.parts)})

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def facts_of(raw: bytes) -> Facts:
    """Return what may be shown of *raw*; there is nothing that it cannot be called with."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return Facts(parts={"entry": f"no JSON, {len(raw)} bytes"})
    if not isinstance(document, dict):
        return Facts(parts={"entry": _kind(document)})
    headers = document.get("headers")
    named = headers if isinstance(headers, dict) else {}
    parts = [part for part, _ in zip(_parts(document), range(_MAX_PARTS), strict=False)]
    return Facts(_shown(named.get("task")), _shown(named.get("id")), dict(parts))


def _parts(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if name in _OPENED and isinstance(value, dict):
            for inner, part in value.items():
                yield f"{name}.{_shown(inner) or '?'}", _kind(part)
        else:
            yield _shown(name) or "?", _kind(value)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return f"text of {len(value)}"
        case list():
            return f"list of {len(value)}"
        case _:
            return f"object of {len(value) if isinstance(value, dict) else 0}"


def _shown(value: object) -> str:
    is_fit = isinstance(value, str) and value.isprintable() and len(value) <= _MAX_SHOWN
    return str(value) if is_fit else ""
