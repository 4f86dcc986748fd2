"""Whatever an option or argument is given, its user is told in the house's words."""

from __future__ import annotations

import typing
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import pytest
import typer
import typer.main

from producers.cli.main import application

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = application()
PYDANTICS = ["Input should", "Value error", "unable to parse", "a valid "]


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Find all commands, with the words that lead to them."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, each in command.commands.items():
        yield from commands(each, *path, name)


def wrong_values(parameter: Any) -> Iterator[str]:
    """Find what a parameter cannot take; nothing for those that take any text."""
    kind, info = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    kind = typing.get_args(kind)[0] if typing.get_origin(kind) is list else kind
    is_choice = typing.get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum))
    if is_choice or kind in {int, float}:
        yield "no-such-thing"
    if kind is int:
        yield "1.5"
    for bound, step in ((info.min, -1), (info.max, 1)):
        if bound is not None:
            yield str(kind(bound + step))


CASES = [
    (path, parameter, value)
    for path, command in commands(typer.main.get_command(APPLICATION))
    for parameter in command.params
    for value in wrong_values(parameter)
]


@pytest.mark.parametrize(
    ("path", "parameter", "value"), CASES, ids=[f"{'-'.join(p)}-{o.name}-{v}" for p, o, v in CASES]
)
def test_a_wrong_value_is_told_by_the_name_of_its_option(
    path: tuple[str, ...], parameter: Any, value: str
) -> None:
    is_option = parameter.param_type_name == "option"
    line = [*path, f"{parameter.opts[0]}={value}" if is_option else value]

    with pytest.raises(typer.BadParameter) as raised:
        APPLICATION(args=line, prog_name="postroom", standalone_mode=False)

    told = raised.value.format_message()
    assert f"Invalid value for '{parameter.opts[0]}'" in told
    assert [words for words in PYDANTICS if words in told] == []


def test_choices_numbers_and_bounds_are_among_what_was_tried() -> None:
    tried = {(path, parameter.name) for path, parameter, _ in CASES}

    assert {(("integration",), "framework"), (("completion",), "shell"), (("web",), "port")} <= tried


def test_a_wrong_setting_of_the_gateway_is_told_so_too(
    postroom: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_WEB_PORT", "65536")
    _, document, _ = postroom("key", "list", "--json")

    assert document["error"]["message"] == "Invalid value for POSTROOM_WEB_PORT: must be at most 65535"
