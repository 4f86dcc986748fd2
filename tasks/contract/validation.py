"""From what a producer gives to a `SendEmail`, or to all the reasons why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput, Problem, Refused, kind
from tasks.contract.labels import label_of
from tasks.contract.limits import MAX_FIELDS, MAX_REQUEST, MAX_VALUES
from tasks.contract.naming import named
from tasks.contract.parameters import SendEmail

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MIB: Final = 1024 * 1024
_FLAT: Final = (str, bytes, int, float, type(None))
_NESTED: Final = (dict, list, tuple, Mapping)
_MISSING: Final = {
    "to": Problem(
        "is missing", "at least one recipient is required: a string with ';' between addresses, or a list"
    ),
    "subject": Problem("is missing", "a subject is required"),
    "body": Problem("is missing", "a body is required"),
}


def parse(data: Mapping[str, object]) -> SendEmail:
    """
    Return the mail that *data* describes.

    Its keys are the fields' names or the connector's labels, in any case and spacing; null and blank text
    count as not given, except for `smtp_authentication`, where they mean "unsecure".

    Raises:
        InvalidInput: with all the errors of all the fields.

    """
    if not isinstance(data, Mapping):
        raise _whole(f"is {kind(data)}", "must be an object with a field for each input")
    _refuse_too_big(data)
    fields, errors = named(data)
    try:
        mail = SendEmail.model_validate(fields)
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_input=False)
        # Without "from": the cause would carry the input into tracebacks.
        raise InvalidInput((*errors, *(error for each in found for error in _field_errors(each)))) from None
    if errors:
        raise InvalidInput(tuple(errors))
    return mail


def _field_errors(details: ErrorDetails) -> list[FieldError]:
    field = str(details["loc"][0])
    refused = details.get("ctx", {}).get("error")
    if isinstance(refused, BaseException):
        # Its frames lead to `parse`, which has it: a circle that keeps the input until garbage is looked for.
        refused.__traceback__ = refused.__context__ = None
    problems = refused.problems if isinstance(refused, Refused) else (_MISSING[field],)
    return [
        FieldError(field, label_of(field), problem.code, problem.what, problem.expected)
        for problem in problems
    ]


def _whole(problem: str, advice: str) -> InvalidInput:
    return InvalidInput((FieldError("", "Message", LocalCode.INVALID_INPUT, problem, advice),))


def _refuse_too_big(data: Mapping[str, object]) -> None:
    if len(data) > MAX_FIELDS:
        raise _whole(f"has {len(data)} fields", "leave out what is no field of send_email")
    size = values = 0
    level: list[object] = [*data, *data.values()]
    while level:
        size += sum([len(value) for value in level if isinstance(value, (str, bytes))])
        if size > MAX_REQUEST:
            raise _whole("is too big", f"a request larger than {MAX_REQUEST // _MIB} MiB is not accepted")
        # The plain ones first: whether something is a mapping takes long to find out.
        nested = [value for value in level if not isinstance(value, _FLAT) and isinstance(value, _NESTED)]
        values += len(level)
        if values + sum(map(len, nested)) > MAX_VALUES:
            raise _whole("has too many values", f"must have at most {MAX_VALUES} values")
        level = [part for value in nested for part in _parts(value)]


def _parts(value: Mapping[object, object] | list[object] | tuple[object, ...]) -> list[object]:
    return [*value, *value.values()] if isinstance(value, Mapping) else [*value]
