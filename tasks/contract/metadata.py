"""What a producer wants to find beside the result: metadata, and the key that makes a mail happen once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tasks.contract.errors import Problem, Refused, kind, refusal
from tasks.contract.limits import MAX_IDEMPOTENCY_KEY, MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE
from tasks.contract.text import has_control, has_surrogate

_KEY: Final = re.compile(rf"[!-~]{{1,{MAX_IDEMPOTENCY_KEY}}}")


def parse_metadata(value: object) -> dict[str, str]:
    """
    Return the metadata: a small map of text to text that is kept with the result and never sent.

    Raises:
        Refused: with a problem for each entry that is too long, or is no text.

    """
    if not isinstance(value, Mapping):
        raise refusal(f"is {kind(value)}", "must be an object of text to text")
    if len(value) > MAX_METADATA:
        raise refusal(f"has {len(value)} entries", f"must have at most {MAX_METADATA}")
    problems = [
        Problem(f"entry {number} {what}", expected)
        for number, entry in enumerate(value.items(), start=1)
        for what, expected in (_wrong(entry),)
        if what
    ]
    if problems:
        raise Refused(*problems)
    return {str.__str__(key): str.__str__(text) for key, text in value.items()}


def parse_key(value: object) -> str:
    """
    Return the key.

    Raises:
        Refused: it is not 1 to 255 printable ASCII characters without spaces.

    """
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise refusal(
            "is no idempotency key",
            f"must be 1-{MAX_IDEMPOTENCY_KEY} printable ASCII characters without spaces",
        )
    return str.__str__(value)


def _wrong(entry: tuple[object, object]) -> tuple[str, str]:
    key, text = entry
    if not isinstance(key, str) or not isinstance(text, str):
        return "is no text", "keys and values must be strings"
    if not 1 <= len(key) <= MAX_METADATA_KEY:
        return "has a bad key", f"a key must have 1-{MAX_METADATA_KEY} characters"
    if len(text) > MAX_METADATA_VALUE:
        return "has a long value", f"a value must have at most {MAX_METADATA_VALUE} characters"
    if any(has_control(part) or has_surrogate(part) for part in (key, text)):
        return "contains control characters", "remove them"
    return "", ""
