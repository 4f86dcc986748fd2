"""From what a gateway refuses to the exceptions that a queue would raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from producers.errors import (
    AlreadySent,
    GatewayError,
    IdempotencyConflict,
    KeyRejected,
    MailNotFound,
    NotAllowed,
    ParametersDiffer,
    WouldDouble,
)
from tasks.contract.codes import LocalCode
from tasks.contract.errors import FieldError, InvalidInput
from tasks.contract.labels import label_of

if TYPE_CHECKING:
    from producers.over_http.replies import Problem, Reply, Wrong

#: What a mail of an id is refused for.
_OF_A_MAIL: Final = {
    "no-such-email": MailNotFound,
    "already-settled": AlreadySent,
    "parameters-differ": ParametersDiffer,
    "would-double": WouldDouble,
}
#: What is wrong with the request itself, so that its sender can put it right.
_WRONG: Final = frozenset({"invalid-input", "not-allowed", "too-large"})


def refusal(reply: Reply, mail_id: str = "") -> Exception:
    """Return the exception for an answer that is no success; *mail_id* is the mail that it was about."""
    problem = reply.problem
    if problem is None:
        return GatewayError(
            f"the answer is none of a gateway's (HTTP status {reply.status}); check the URL, and what stands "
            "between"
        )
    if problem.kind in _OF_A_MAIL:
        return _OF_A_MAIL[problem.kind](mail_id)
    if problem.kind == "unauthorized":
        return KeyRejected()
    return refused(problem) or _unexpected(problem)


def refused(problem: Problem) -> InvalidInput | IdempotencyConflict | None:
    """Return why a mail was refused by itself; None where that is not what *problem* says."""
    if problem.kind == "idempotency-key-reused":
        return IdempotencyConflict(problem.id or "")
    if problem.kind not in _WRONG:
        return None
    is_policy = problem.kind == "not-allowed"
    code = LocalCode.POLICY if is_policy else LocalCode.INVALID_INPUT
    errors = tuple(_field_error(wrong, code) for wrong in problem.errors)
    whole = FieldError("", "Message", code, problem.detail, "see docs/howto/http.md")
    return (NotAllowed if is_policy else InvalidInput)(errors or (whole,))


def too_large(problem: Problem) -> FieldError:
    """Return what is wrong with an attachment that the gateway does not take."""
    label = label_of("attachments")
    return FieldError(
        "attachments", label, LocalCode.ATTACHMENT, "has a file that is too large", problem.detail
    )


def _unexpected(problem: Problem) -> GatewayError:
    return GatewayError(f"the gateway answered with {problem.kind}: {problem.detail}")


def _field_error(wrong: Wrong, otherwise: LocalCode) -> FieldError:
    field = wrong.field or (wrong.parameter or "").lower().replace("-", "_")
    label = wrong.label or field.replace("_", " ").title() or "Message"
    what, _, advice = wrong.detail.partition("; ")
    return FieldError(field, label, wrong.code or otherwise, what, advice or "see docs/howto/http.md")
