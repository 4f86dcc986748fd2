"""The mails of a key: a list to search in, and each by itself."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from producers.web.callers import counted, note
from producers.web.gateway import gateway_of, too_fast
from producers.web.pages import guards
from producers.web.pages.rendering import page
from producers.web.pages.sessions import Session
from producers.web.pages.signing_in import EMAILS, go
from producers.web.pages.timeline import meaning_of, timeline
from producers.web.parcels import Found, Question, Wanted
from producers.web.routers.emails import no_such_email
from tasks.contract.limits import MAX_METADATA_VALUE
from tasks.contract.status import MailState
from tasks.journal.records import Record

router = APIRouter(include_in_schema=False)

_PAGE: Final = 25
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CURSOR: Final = re.compile(r"[0-9]{1,16}")
#: Seconds of a mail's age up to which its page is loaded again so often; then more and more seldom.
_AGAIN: Final = ((60.0, 2), (600.0, 10))
_SELDOM: Final = 60
#: What the address of a mail's page may say has just been done.
_DONE: Final = {
    "cancelled": "Cancelled: nobody gets it who has not got it yet.",
    "resent": "Handed in again, as the same email.",
}


class Search(NamedTuple):
    """What the list is searched for: an id or a reference, a state, and where a page begins."""

    text: str
    state: MailState | None
    cursor: int | None
    error: str

    @classmethod
    def of(cls, request: Request) -> Self:
        """Return what the query of *request* asks for; what cannot be asked for is told, not refused."""
        query = request.query_params
        text = query.get("search", "").strip()
        state, cursor = query.get("state", ""), query.get("cursor", "")
        error = ""
        if len(text) > MAX_METADATA_VALUE:
            error = f"An id or a reference has at most {MAX_METADATA_VALUE} characters."
        elif state and state not in set(MailState):
            error = "There is no such state; choose one of the list."
        is_place = _CURSOR.fullmatch(cursor)
        return cls(
            text,
            MailState(state) if state in set(MailState) else None,
            int(cursor) if is_place else None,
            error,
        )

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves out some mails."""
        return bool(self.text or self.state)

    def address(self, cursor: int | None = None) -> str:
        """Return the address of this search, beginning at a place."""
        parts = {"search": self.text, "state": self.state, "cursor": cursor}
        query = urlencode({name: value for name, value in parts.items() if value})
        return f"{EMAILS}?{query}" if query else EMAILS


@router.get("/")
async def begin() -> RedirectResponse:
    """Lead whoever opens the gateway in a browser to the pages."""
    return go(EMAILS)


@router.get(EMAILS)
async def show_list(request: Request) -> Response:
    """Show the newest mails of the key, or those that are searched for."""
    session = await guards.signed_in(request)
    if guards.SIGNED_IN in request.query_params:
        return go(EMAILS)
    search = Search.of(request)
    if search.error:
        return _list(request, search, Found((), None), status=422)
    if _ID.fullmatch(search.text.lower()):
        address = f"{EMAILS}/{search.text.lower()}"
        if await _record(request, session, search.text.lower()):
            return go(address)
    gateway = gateway_of(request)
    wanted = Wanted(_PAGE, search.cursor, search.text or None, search.state)
    allowance, found = await gateway.call(gateway.errands.page, session.key, wanted)
    if not allowance.is_granted:
        raise too_fast(counted(request, allowance))
    return _list(request, search, found)


@router.get(EMAILS + "/{email_id}")
async def show_email(request: Request, email_id: str) -> Response:
    """Show what is known of one mail."""
    session = await guards.signed_in(request)
    if guards.SIGNED_IN in request.query_params:
        return go(f"{EMAILS}/{email_id}")
    record = await _record(request, session, email_id)
    if record is None:
        raise no_such_email()
    return email_page(request, record)


def email_page(request: Request, record: Record, *, status: int = 200, **facts: Any) -> Response:
    """Return the page of one mail; *facts* are what went wrong with a form in it."""
    now = datetime.now(UTC)
    said = next((text for name, text in _DONE.items() if name in request.query_params), "")
    shown = {"errors": (), "parameters": "", "is_open": False, **facts}
    return page(
        request,
        "email.html",
        status=status,
        email=record,
        meaning=meaning_of(record, now=now),
        events=timeline(record, now=now),
        said=said,
        again=_again(request, record, now),
        is_refreshing="stay" not in request.query_params,
        by_itself=guards.BY_ITSELF,
        **shown,
    )


async def _record(request: Request, session: Session, mail_id: str) -> Record | None:
    finding = await gateway_of(request).ask(Question(session.key, mail_id))
    counted(request, finding.allowance)
    if finding.record:
        note(request, mail=mail_id)
    return finding.record


def _list(request: Request, search: Search, found: Found, *, status: int = 200) -> Response:
    older = search.address(found.before) if found.before else None
    return page(
        request,
        "emails.html",
        status=status,
        search=search,
        emails=found.records,
        older=older,
        newest=search.address() if search.cursor else None,
        states=tuple(MailState),
        origin=f"{'https' if guards.is_secure(request) else 'http'}://{request.headers.get('host', '')}",
    )


def _again(request: Request, record: Record, now: datetime) -> int | None:
    """Return the seconds after which the page loads itself again, None where that would show nothing new."""
    if record.state.is_terminal or request.method != "GET":
        return None
    age = (now - record.accepted_at).total_seconds()
    return next((seconds for most, seconds in _AGAIN if age < most), _SELDOM)
