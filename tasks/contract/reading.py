"""Reading JSON that came from outside."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from pydantic_core import from_json


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


# Made once: `json.loads` would make one for each text.
_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def read_json(text: bytes) -> Any:
    """
    Return what the JSON *text* says; NaN and infinities are none.

    pydantic's reader takes a third of the time, but stops at a lone surrogate, which is JSON all the same
    (RFC 8259, section 8.2) and somebody's mistake to be named elsewhere: such a text is read by Python's.

    Raises:
        ValueError: it is no JSON, or not UTF-8.
        RecursionError: it is nested too deeply.
    """
    try:
        return from_json(text, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _DECODER.decode(text.decode())
