"""
What is wrong with a message, said so that its sender can put it right.

```
ValueError
├── Refused        one value, not yet knowing its field; raised by the parsers of single values
└── InvalidInput   a whole message: every error of every field
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tasks.contract.codes import LocalCode

_QUOTED_CHARACTERS: Final = 40
_LARGEST_QUOTED_NUMBER: Final = 10**_QUOTED_CHARACTERS


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a value, and what is expected instead; neither repeats a secret."""

    what: str
    expected: str
    code: LocalCode = LocalCode.INVALID_INPUT


class Refused(ValueError):
    """A value that the contract does not allow, with everything that is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return " | ".join(f"{problem.what}; {problem.expected}" for problem in self.problems)


def refusal(what: str, expected: str, *, code: LocalCode = LocalCode.INVALID_INPUT) -> Refused:
    """Return the exception for a single problem."""
    return Refused(Problem(what, expected, code))


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: *problem* says what, *advice* what is expected."""

    field: str
    label: str
    code: LocalCode
    problem: str
    advice: str

    @property
    def message(self) -> str:
        """One line for people: the field's label, what is wrong, what is expected."""
        return f"{self.label}: {self.problem}; {self.advice}"


class InvalidInput(ValueError):
    """A message that cannot be accepted, with all the errors of all its fields."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__(errors)
        self.errors = errors

    @property
    def code(self) -> LocalCode:
        """The result code: 600 where any field was invalid, else what the first error has."""
        codes = [error.code for error in self.errors]
        if not codes or LocalCode.INVALID_INPUT in codes:
            return LocalCode.INVALID_INPUT
        return codes[0]

    def __str__(self) -> str:
        return " | ".join(error.message for error in self.errors)


def quoted(value: object) -> str:
    """
    Return *value* as it may stand in an error text: short, and with its control characters escaped.

    Never to be used for subjects, bodies, addresses, file names, or what may be a password.
    """
    if isinstance(value, str):
        text = value if len(value) <= _QUOTED_CHARACTERS else value[:_QUOTED_CHARACTERS] + "…"
        return '"' + "".join(map(_visible, text)) + '"'
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to print integers of more than 4300 digits.
        return str(value) if abs(value) < _LARGEST_QUOTED_NUMBER else "a number of that size"
    if isinstance(value, float):
        return repr(value)
    return kind(value)


def kind(value: object) -> str:
    """Name the type of *value* in the words of JSON."""
    names = {bool: "a boolean", str: "a string", int: "a number", float: "a number", type(None): "null"}
    names |= {list: "a list", tuple: "a list", dict: "an object"}
    return names.get(type(value), f"a value of type {type(value).__name__}")


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
