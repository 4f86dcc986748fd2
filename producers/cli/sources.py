"""Messages from files and standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The name under which options take standard input.
STDIN: Final = "-"


class Messages(NamedTuple):
    """What an input held; *is_list* says whether its answer is a list too."""

    messages: list[Mapping[str, object]]
    is_list: bool


def read_text(source: str, *, option: str) -> str:
    """
    Return the text of the file *source*, in UTF-8, or of standard input for "-".

    Raises:
        typer.BadParameter: it cannot be read; names *option*.
    """
    try:
        data = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{source} cannot be read ({error.strerror})", param_hint=option) from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{source} is not in UTF-8: convert it first", param_hint=option) from None


def read_messages(source: str, *, option: str) -> Messages:
    """
    Return the messages of a JSON object, a JSON array, or JSON Lines (an object in each line).

    Raises:
        typer.BadParameter: it is none of these; names *option*, and the line where it can.
    """
    text = read_text(source, option=option)
    try:
        document = _decode(text)
    except json.JSONDecodeError as error:
        return Messages(_lines(text, error, option), is_list=True)
    if isinstance(document, dict):
        return Messages([document], is_list=False)
    if isinstance(document, list) and all(isinstance(message, dict) for message in document):
        return Messages(document, is_list=True)
    raise typer.BadParameter(
        "holds neither a JSON object nor a list of objects with a field for each input", param_hint=option
    )


def _lines(text: str, whole: json.JSONDecodeError, option: str) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    # By "\n" alone: other line separators may stand inside JSON strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            message = _decode(line)
        except json.JSONDecodeError as error:
            raise _no_json(error if found else whole, number if found else whole.lineno, option) from None
        if not isinstance(message, dict):
            raise typer.BadParameter(f"line {number} is no JSON object", param_hint=option)
        found.append(message)
    if not found:
        raise typer.BadParameter("is empty", param_hint=option)
    return found


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except ValueError:
        raise json.JSONDecodeError("a number has too many digits", "", 0) from None


def _no_json(error: json.JSONDecodeError, line: int, option: str) -> typer.BadParameter:
    # Only where and why: the text itself may be a body or an address.
    return typer.BadParameter(f"line {line}, column {error.colno}: no JSON ({error.msg})", param_hint=option)


def pairs(values: list[str] | None, *, option: str) -> dict[str, str]:
    """
    Return what NAME=VALUE options say.

    Raises:
        typer.BadParameter: one has no "=" or no name, or a name occurs twice.
    """
    found: dict[str, str] = {}
    for number, value in enumerate(values or (), start=1):
        name, equals, text = value.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"number {number} is not of the form NAME=VALUE", param_hint=option)
        if name in found:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        found[name] = text
    return found
