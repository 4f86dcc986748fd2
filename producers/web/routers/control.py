"""Changing an email's course: cancelling it, sending it again."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from producers.web import bodies, problems, reading
from producers.web.answers import Email
from producers.web.callers import Caller, counted, note
from producers.web.describing import BODY, RATE_HEADERS, RETRY_AFTER, json_body, refusals
from producers.web.gateway import gateway_of
from producers.web.keys import Key
from producers.web.parameters import EMAIL, EXAMPLE, EmailId
from producers.web.paths import ONE_EMAIL
from producers.web.problems import Kind, Problem
from producers.web.routers.emails import no_such_email, standing
from tasks.contract.parameters import SendEmail
from tasks.journal.control import Resend
from tasks.journal.records import Record

router = APIRouter(tags=["emails"])

_NOT_RESENT: Final[dict[Resend, tuple[Kind, str]]] = {
    Resend.ON_ITS_WAY: (problems.ON_ITS_WAY, "it has no result yet, so there is nothing to send again"),
    Resend.SENT: (problems.SETTLED, "everybody has it"),
    Resend.DOUBTFUL: (
        problems.WOULD_DOUBLE,
        "its outcome is unknown; with ?force=true it is sent again, and somebody may get it twice",
    ),
    Resend.DIFFERENT: (
        problems.DIFFERENT,
        "these are not its parameters; a changed email is handed in as a new one",
    ),
}


@router.delete(
    ONE_EMAIL,
    operation_id="cancelEmail",
    summary="Cancel an email that waits",
    response_model=Email,
    responses={
        200: {
            "description": "It is cancelled; its state says whether anybody had got it before.",
            "headers": dict(RATE_HEADERS),
        },
        **refusals(problems.NO_SUCH_MAIL, problems.ON_ITS_WAY, problems.SETTLED),
    },
)
async def cancel_email(request: Request, key: Caller, email_id: EmailId) -> Response:
    """
    Cancel an email: nobody gets it who has not got it yet. Cancelling it twice is no error.

    Where some had got it before its state is `partial`, and `unknown` where somebody may have.
    One that a worker is sending, or that has ended otherwise, is left as it is: 409.
    """
    gateway = gateway_of(request)
    finding = await gateway.run(gateway.errands.cancel, key, email_id)
    headers = counted(request, finding.allowance)
    if finding.record:
        note(request, mail=email_id)
    record = cancelled(finding.record)
    return standing(record, headers)


@router.post(
    ONE_EMAIL + "/resend",
    operation_id="resendEmail",
    summary="Send an email again that was not sent to everybody",
    status_code=202,
    response_model=Email,
    responses={
        202: {
            "description": "It waits again, under the same id.",
            "headers": {"Retry-After": RETRY_AFTER, **RATE_HEADERS},
        },
        **refusals(
            *BODY,
            problems.FORBIDDEN,
            problems.NO_SUCH_MAIL,
            problems.ON_ITS_WAY,
            problems.SETTLED,
            problems.WOULD_DOUBLE,
            problems.DIFFERENT,
        ),
    },
    openapi_extra=json_body(EMAIL, email=EXAMPLE),
)
async def resend_email(
    request: Request,
    key: Caller,
    email_id: EmailId,
    *,
    force: Annotated[
        bool, Query(description="Even if somebody may get it twice: its outcome is unknown.")
    ] = False,
) -> Response:
    """
    Send an email again, as the same email: same id, same Message-ID. Who has it gets no second copy.

    Its parameters are needed once more, since they were deleted with its result; others are refused.
    """
    gateway = gateway_of(request)
    with gateway.buffers.share() as share:
        body = await reading.read_json(request, share)
        finding = await gateway.run(gateway.errands.may_resend, key, email_id, len(body))
        headers = counted(request, finding.allowance)
        if finding.record is None:
            raise no_such_email()
        note(request, mail=email_id)
        mail = await reading.made_from(request, body, partial(mail_of, key))
        outcome, record = await gateway.call(gateway.errands.resend, email_id, mail, force=force)
    return standing(resent(outcome, record), headers, status=202)


def mail_of(key: Key, body: bytes) -> SendEmail:
    """Return the mail that *key* has written as JSON into *body*. Raises `Problem` where it may not."""
    return reading.mail_of(key, bodies.decode(body))


def cancelled(record: Record | None) -> Record:
    """
    Return the *record* of a mail that was to be cancelled, and is: now or before, wholly or for the rest.

    Raises:
        Problem: there is none, or it stands otherwise.
    """
    if record is None:
        raise no_such_email()
    if not record.state.is_terminal:
        raise Problem(problems.ON_ITS_WAY, "a worker is sending it; nothing was changed", state=record.state)
    if not (record.result and record.result.was_cancelled):
        raise Problem(problems.SETTLED, "it has ended already; nothing was changed", state=record.state)
    return record


def resent(outcome: Resend, record: Record | None) -> Record:
    """
    Return the *record* of a mail that was to be sent again, and is.

    Raises:
        Problem: *outcome* says why it is not.
    """
    if outcome is Resend.MISSING or record is None:
        raise no_such_email()
    if outcome in _NOT_RESENT:
        kind, detail = _NOT_RESENT[outcome]
        raise Problem(kind, detail, state=record.state)
    return record
