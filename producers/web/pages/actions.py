"""What an operator may do with a mail: cancel it, send it again. The rules are those of the API."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from functools import partial
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import JsonValue

from producers.web import problems, reading
from producers.web.callers import counted, note
from producers.web.gateway import gateway_of
from producers.web.pages import forms, guards
from producers.web.pages.emails import email_page
from producers.web.pages.signing_in import EMAILS, go
from producers.web.parcels import Finding
from producers.web.problems import Problem
from producers.web.routers.control import cancelled, mail_of, resent
from producers.web.routers.emails import no_such_email
from tasks.journal.records import Record

router = APIRouter(include_in_schema=False)

#: What somebody can put right in the form.
_CORRECTABLE: Final = {
    problems.MALFORMED,
    problems.INVALID,
    problems.FORBIDDEN,
    problems.DIFFERENT,
    problems.WOULD_DOUBLE,
}
#: What the API says of its own parameters.
_IN_A_FORM: Final = {
    problems.WOULD_DOUBLE: "its outcome is unknown: somebody may get it twice; tick the box to send it",
}
#: Characters of a mail in a form take up to three, and a line break of its JSON six.
_LARGER: Final = 3


@router.post(EMAILS + "/{email_id}/cancel")
async def cancel(request: Request, email_id: str) -> Response:
    """Cancel a mail that waits; say so where it does not any more."""
    session, _ = await guards.own_form(request)
    gateway = gateway_of(request)
    finding = await gateway.run(gateway.errands.cancel, session.key, email_id)
    record = _own(request, finding)
    try:
        cancelled(record)
    except Problem as problem:
        return _again(request, record, problem)
    return go(f"{EMAILS}/{email_id}?cancelled")


@router.post(EMAILS + "/{email_id}/resend")
async def resend(request: Request, email_id: str) -> Response:
    """Send a mail again with the parameters in the form."""
    session = await guards.signed_in(request)
    forms.require_same_origin(request)
    gateway = gateway_of(request)
    with gateway.buffers.share() as share:
        most = _LARGER * gateway.settings.max_body_bytes
        body = await forms.body_of(request, share, most=most)
        fields = await reading.made_from(request, body, forms.fields_of)
        guards.require_own(session, fields)
        parameters = fields.get("parameters", "")
        finding = await gateway.run(gateway.errands.may_resend, session.key, email_id, len(parameters))
        record = _own(request, finding)
        try:
            mail = await reading.made_from(request, parameters.encode(), partial(mail_of, session.key))
            force = fields.get("force") == "yes"
            resent(*await gateway.call(gateway.errands.resend, email_id, mail, force=force))
        except Problem as problem:
            return _again(request, record, problem, parameters)
    return go(f"{EMAILS}/{email_id}?resent")


def _own(request: Request, finding: Finding) -> Record:
    counted(request, finding.allowance)
    if finding.record is None:
        raise no_such_email()
    note(request, mail=finding.record.mail_id)
    return finding.record


def _again(request: Request, record: Record, problem: Problem, parameters: str = "") -> Response:
    """Show the mail's page with what went wrong, where that is about the mail or the form."""
    if problem.kind not in {*_CORRECTABLE, problems.ON_ITS_WAY, problems.SETTLED}:
        raise problem
    detail = _IN_A_FORM.get(problem.kind, problem.detail)
    errors = [detail] if not problem.errors else [_error(each) for each in problem.errors]
    return email_page(
        request,
        record,
        status=problem.kind.status,
        errors=errors,
        parameters=parameters,
        is_open=problem.kind in _CORRECTABLE,
    )


def _error(error: JsonValue) -> str:
    found = error if isinstance(error, dict) else {}
    return ": ".join(str(found[name]) for name in ("label", "detail") if found.get(name))
