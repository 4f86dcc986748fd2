"""What a gateway answers with, read as something that others wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from producers.errors import GatewayError
from tasks.contract.codes import LocalCode
from tasks.contract.result import SendEmailResult
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from collections.abc import Mapping

M = TypeVar("M", bound=BaseModel)

_PROBLEM: Final = "urn:postroom:problem:"
#: What a gateway says, and what proxies say in front of one that is away.
_AWAY: Final = frozenset({502, 503, 504})
_LATER: Final = 5.0


class _Read(BaseModel):
    # A newer gateway may say more.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Wrong(_Read):
    """What is wrong with one field or parameter."""

    field: str | None = None
    label: str | None = None
    code: LocalCode | None = None
    parameter: str | None = None
    pointer: str | None = None
    detail: str


class Problem(_Read):
    """What went wrong; *id* is the first email's where an idempotency key was used otherwise."""

    type: str
    detail: str
    id: str | None = None
    errors: tuple[Wrong, ...] = ()
    outcomes: tuple[Outcome, ...] | None = None

    @property
    def kind(self) -> str:
        """The end of its type, by which programs go."""
        return self.type.removeprefix(_PROBLEM)


class Handed(_Read):
    """An email that was accepted."""

    id: str


class Outcome(_Read):
    """What became of one email of a batch."""

    email: Handed | None = None
    problem: Problem | None = None


class Outcomes(_Read):
    """What became of a batch."""

    outcomes: tuple[Outcome, ...]


class Standing(_Read):
    """Where an email stands."""

    state: MailState
    code: int | None = None
    message: str | None = None
    result: SendEmailResult | None = None


class Listed(Standing):
    """An email in a list."""

    id: str
    lane: str
    accepted_at: datetime


class Page(_Read):
    """Emails from newest to oldest, and the cursor of the next page."""

    emails: tuple[Listed, ...]
    next: str | None = None


class Stored(_Read):
    """Bytes that were stored."""

    reference: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, header fields by their names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_away(self) -> bool:
        """Whether it says that nobody could do anything about the request."""
        return self.status in _AWAY

    @property
    def is_rate_limited(self) -> bool:
        """Whether it says that the API key has gone too fast."""
        problem = self.problem
        return self.status == 429 and (problem is None or problem.kind == "rate-limited")  # noqa: PLR2004 - HTTP's

    @property
    def retry_after(self) -> float:
        """Seconds after which to ask again."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() and len(text) < 6 else _LATER  # noqa: PLR2004 - a day

    @property
    def problem(self) -> Problem | None:
        """The problem document that it is, if it is one of a gateway's."""
        if self.status < 400:  # noqa: PLR2004 - HTTP's
            return None
        try:
            problem = Problem.model_validate_json(self.body)
        except ValidationError:
            return None
        return problem if problem.type.startswith(_PROBLEM) else None

    def read(self, model: type[M]) -> M:
        """
        Return what it says.

        Raises:
            GatewayError: it is not what a gateway answers.
        """
        found, where = _validated(self.body, model)
        if found is None:
            raise GatewayError(
                f"the answer is none of a gateway's, or of one that is too new ({where}); check the URL"
            )
        return found


def _validated(body: bytes, model: type[M]) -> tuple[M | None, str]:
    """Return what *body* says, or where it is wrong; never what it holds."""
    try:
        data: Any = json.loads(body)
        # The contract's models refuse what they do not know, and a newer gateway may say more.
        return model.model_validate(data, extra="ignore", by_alias=True), ""
    except ValidationError as wrong:
        place = wrong.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
        return None, ".".join(map(str, place)) or "the whole"
    except (ValueError, RecursionError):
        return None, "no JSON"
