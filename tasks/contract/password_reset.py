"""
What a password reset carries instead of a mail: whom it is for, never an address, a link or a token.

The worker that takes it up looks the user up, has the link issued and writes the mail, so that none of the
three is ever in the queue, the journal or a result (seed, the two "Reset Password" workflows).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tasks.contract import integers, text
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput, Problem, Refused, kind, quoted, refusal
from tasks.contract.limits import DEFAULT_TIMEOUT, MAX_ACCOUNT, MAX_METADATA_VALUE, MAX_USER_NAME
from tasks.contract.metadata import parse_key
from tasks.contract.wire import Written

#: The one parameter of a message that asks for a password reset.
FIELD: Final = "password_reset"
#: Seconds that a link may live: a minute to a day; an hour unless given (OWASP, Forgot Password).
MIN_TTL: Final = 60
MAX_TTL: Final = 24 * 3600
DEFAULT_TTL: Final = 3600
DEFAULT_TEMPLATE: Final = "password-reset"

Workflow: TypeAlias = Literal["specified", "requester", "completed", "failed"]

_TEMPLATE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,3}")
_SOURCE: Final = re.compile(r"[0-9a-f]{64}")
_ABOUT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORKFLOWS: Final = get_args(Workflow)
_ONE_OF: Final = 'must be "specified", "requester", "completed" or "failed"'
_MISSING: Final = Problem("is missing", "it is required")
_REQUIRED: Final = {
    "workflow": Problem("is missing", _ONE_OF),
    "user": Problem("is missing", "say whose password is to be reset, as the directory knows them"),
}


def _parse_workflow(value: object) -> str:
    if value not in _WORKFLOWS:
        raise refusal(f"is {quoted(value)}", _ONE_OF)
    return str(value)


def _parse_user(value: object) -> str:
    return _filled(value, longest=MAX_USER_NAME)


def _parse_note(value: object) -> str:
    return _filled(value, longest=MAX_METADATA_VALUE)


def _parse_account(value: object) -> str:
    return _filled(value, longest=MAX_ACCOUNT)


def _filled(value: object, *, longest: int) -> str:
    found = text.line(value, longest=longest)
    if not found:
        raise refusal("is blank", "it must say something")
    return found


def _parse_ttl(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not MIN_TTL <= value <= MAX_TTL:
        raise refusal("is no lifetime of a link", f"must be {MIN_TTL}-{MAX_TTL} whole seconds")
    return value


def _parse_template(value: object) -> str:
    if not isinstance(value, str) or not _TEMPLATE.fullmatch(value):
        raise refusal("is no name of a template", "must be small letters, digits and hyphens")
    return value


def _parse_locale(value: object) -> str:
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        raise refusal("is no language tag", 'must be one such as "en" or "de-AT"')
    return value


def _parse_source(value: object) -> str:
    if not isinstance(value, str) or not _SOURCE.fullmatch(value):
        raise refusal("is no digest", "must be the keyed hash of where the request came from")
    return value


def _parse_about(value: object) -> str:
    if not isinstance(value, str) or not _ABOUT.fullmatch(value):
        raise refusal("is no id of a reset", "must be the id that was returned for it")
    return value


_Note: TypeAlias = Annotated[str, PlainValidator(_parse_note)]


class PasswordReset(BaseModel):
    """
    One password reset to be mailed.

    *workflow* "specified" is asked for by somebody of the staff, who is *actor*; "requester" by whoever typed
    an identifier into a public form; "completed" says that the password was changed; "failed" tells somebody
    of the staff, who is *user*, that the reset *about* was not sent. Else *user* is the identifier, as the
    worker's directory understands it. *ttl* is the lifetime of the link in seconds, from
    when it is issued. *source* is the keyed hash of where a public request came from. One that
    *is_throttled* was over a limit, and the worker drops it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    workflow: Annotated[Workflow, PlainValidator(_parse_workflow)]
    user: Annotated[str, PlainValidator(_parse_user)] = Field(repr=False)
    actor: _Note | None = Field(default=None, repr=False)
    reason: _Note | None = Field(default=None, repr=False)
    ticket: _Note | None = Field(default=None, repr=False)
    ttl: Annotated[int, PlainValidator(_parse_ttl)] = DEFAULT_TTL
    template: Annotated[str, PlainValidator(_parse_template)] = DEFAULT_TEMPLATE
    locale: Annotated[str, PlainValidator(_parse_locale)] = "en"
    account: Annotated[str, PlainValidator(_parse_account)] | None = None
    timeout: Annotated[int, PlainValidator(integers.parse_timeout)] = DEFAULT_TIMEOUT
    source: Annotated[str, PlainValidator(_parse_source)] | None = Field(default=None, repr=False)
    about: Annotated[str, PlainValidator(_parse_about)] | None = None
    is_throttled: bool = Field(default=False, strict=True)
    idempotency_key: Annotated[str, PlainValidator(parse_key)] | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_null(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {name: value for name, value in data.items() if value is not None}

    @field_validator("actor", mode="after")
    @classmethod
    def _only_staff_is_an_actor(cls, actor: str | None, info: ValidationInfo) -> str | None:
        if actor is not None and info.data.get("workflow", "specified") != "specified":
            raise refusal("is given where nobody of the staff asked", "leave it out")
        return actor

    @property
    def timeout_seconds(self) -> float:
        """The time budget in seconds, as everything behind the wire counts it."""
        return self.timeout / 1000

    def to_message(self) -> dict[str, JsonValue]:
        """Return the keyword arguments that travel in the queue."""
        return {FIELD: self.model_dump(mode="json", exclude_defaults=True)}

    def canonical(self) -> bytes:
        """Return the bytes that two requests for the same reset have in common, whoever asks and why."""
        aside = {"idempotency_key", "is_throttled", "actor", "reason", "ticket"}
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude=aside)
        return json.dumps({FIELD: asked}, sort_keys=True, separators=(",", ":")).encode("ascii")

    def written(self) -> Written:
        """Return the reset as JSON text, for the queue and for comparison."""
        return Written(json.dumps(self.to_message(), separators=(",", ":")), self.canonical())


def is_password_reset(parameters: Mapping[str, object]) -> bool:
    """Whether *parameters* ask for a password reset and nothing else."""
    return set(parameters) == {FIELD}


def parse_password_reset(data: object) -> PasswordReset:
    """
    Return the reset that *data* describes.

    Raises:
        InvalidInput: with all the errors of all the fields.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput((_error("", Problem(f"is {kind(data)}", "must be an object")),))
    try:
        reset = PasswordReset.model_validate(dict(data))
    except ValidationError as invalid:
        details = invalid.errors(include_url=False, include_input=False)
        # Without "from": the cause would carry the input into tracebacks.
        raise InvalidInput(
            tuple(_error(str(each["loc"][0]), problem) for each in details for problem in _problems(each))
        ) from None
    if reset.workflow == "specified" and reset.actor is None:
        raise InvalidInput((_error("actor", Problem("is missing", "say who asks for the reset")),))
    if (reset.workflow == "failed") != (reset.about is not None):
        belongs = 'it belongs to the workflow "failed", and only to that'
        raise InvalidInput((_error("about", Problem("is missing, or has no place here", belongs)),))
    return reset


def _problems(details: Any) -> tuple[Problem, ...]:
    refused = details.get("ctx", {}).get("error")
    if isinstance(refused, Refused):
        return refused.problems
    if details["type"] == "extra_forbidden":
        known = ", ".join(PasswordReset.model_fields)
        return (Problem("is an unknown field", f"a password reset has {known}"),)
    if details["type"] == "missing":
        return (_REQUIRED.get(str(details["loc"][0]), _MISSING),)
    return (Problem("is not true or false", "must be a boolean"),)


def _error(field: str, problem: Problem) -> FieldError:
    label = field.replace("_", " ").capitalize() or "Password reset"
    return FieldError(field, label, LocalCode.INVALID_INPUT, problem.what, problem.expected)
