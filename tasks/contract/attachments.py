"""Names of attachments, as far as they can be judged without the worker's file system."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import Problem, Refused, kind
from tasks.contract.limits import MAX_ATTACHMENTS, MAX_FILE_NAME, MAX_PATH
from tasks.contract.text import as_text, has_control, has_surrogate

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPECTED: Final = "must be a string with ';' between file names, or a list"
_FOLDER: Final = "must be a file name in the attachment folder"
_QUOTED_OR_PLAIN: Final = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"[ \t]*|([^";][^;]*)?)(?:;|\Z)', re.DOTALL)
_PAIR: Final = re.compile(r'\\(["\\])')
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:file|data|https?|ftp):", re.IGNORECASE)
_STORED: Final = re.compile(r"stored:[0-9a-f]{64}/(?!\.{1,2}\Z)[^/\\]+")
_STORED_PREFIX: Final = "stored:"


def parse_attachments(value: object) -> tuple[str, ...]:
    r"""
    Return the names of a list: a string with ';' between them, or a sequence with one in each element.

    In a string, double quotes around a name let it hold a ';' (and `\"` a double quote). Empty names are
    ignored. No error repeats a name.

    Raises:
        Refused: with code 601, and a problem for each name that is wrong, by its number.

    """
    names = [name for name in _names(value) if name.strip(" ")]
    if len(names) > MAX_ATTACHMENTS:
        raise _refused(f"has {len(names)} files", f"at most {MAX_ATTACHMENTS} files")
    found = [(number, _wrong(name)) for number, name in enumerate(names, start=1)]
    problems = [
        Problem(f"entry {number} {wrong[0]}", wrong[1], LocalCode.ATTACHMENT)
        for number, wrong in found
        if wrong
    ]
    if problems:
        raise Refused(*problems)
    return tuple(names)


def _names(value: object) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        if not all(isinstance(element, str) for element in value):
            raise _refused("has an entry that is no string", _EXPECTED)
        return (as_text(element) for element in value)
    if not isinstance(value, str):
        raise _refused(f"is {kind(value)}", _EXPECTED)
    if len(value) > MAX_ATTACHMENTS * MAX_PATH:
        raise _refused("is too long", f"at most {MAX_ATTACHMENTS} files")
    return _split(as_text(value))


def _split(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        found = _QUOTED_OR_PLAIN.match(text, start)
        if found is None:
            raise _refused("has an unclosed double quote", "close it; separate file names with ';'")
        yield _PAIR.sub(r"\1", found[1]) if found[1] is not None else (found[2] or "").strip(" \t")
        start = found.end()


def _wrong(name: str) -> tuple[str, str] | None:
    if has_control(name) or has_surrogate(name):
        return "contains control characters", _FOLDER
    if _STORED.fullmatch(name):
        name = name.rpartition("/")[2]
    elif name.startswith(_STORED_PREFIX):
        return "is no reference to stored bytes", "must be stored:<64 hex digits>/<file name>"
    if _URL.match(name):
        return "is a URL", _FOLDER
    return _wrong_path(name)


def _wrong_path(path: str) -> tuple[str, str] | None:
    components = path.replace("\\", "/").split("/")
    if ".." in components:
        return "leaves the attachment folder", "leave out the '..'"
    if components[-1] in {"", "."}:
        return "is a folder", _FOLDER
    if len(path) > MAX_PATH or any(len(part.encode()) > MAX_FILE_NAME for part in components):
        return "has a long name", f"a name must have at most {MAX_FILE_NAME} bytes"
    return None


def _refused(what: str, expected: str) -> Refused:
    return Refused(Problem(what, expected, LocalCode.ATTACHMENT))
