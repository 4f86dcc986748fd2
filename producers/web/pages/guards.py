"""Who may see what: operators with a session, and developers on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from producers.web import problems
from producers.web.callers import note
from producers.web.gateway import gateway_of
from producers.web.pages import forms
from producers.web.pages.attempts import is_loopback
from producers.web.pages.sessions import Session
from producers.web.pages.state import pages_of
from producers.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from producers.web.inbox.folder import Folder

#: The query of a page that loads itself again, which is no use of the session.
BY_ITSELF: Final = "again"
#: The query of the page that follows the cookie: a browser that does not bring it back has not kept it.
SIGNED_IN: Final = "signed-in"

# Browsers take a cookie of the first name over TLS only, and from no other host of the domain.
_COOKIES: Final = {True: "__Host-postroom", False: "postroom"}
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="postroom"'}


def is_secure(request: Request) -> bool:
    """Whether cookies are for TLS only: everywhere but on loopback, which nobody else can listen to."""
    return not is_loopback(host_of(request))


def host_of(request: Request) -> str:
    """Return the host by which the browser calls the gateway, without the port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def cookie_name(request: Request) -> str:
    """Return the name of the cookie that holds the session's token."""
    return _COOKIES[is_secure(request)]


async def session_of(request: Request) -> Session | None:
    """Return the session that *request* belongs to, None where it has none that holds."""
    token = request.cookies.get(cookie_name(request))
    if not token:
        return None
    gateway = gateway_of(request)
    is_used = BY_ITSELF not in request.query_params
    key_id = await gateway.call(pages_of(request).sessions.find, token, is_used=is_used)
    key = gateway.keyring.still_valid(key_id) if key_id else None
    if key is None:
        return None
    note(request, key=key.id)
    session = Session(key, token)
    request.scope["state"]["session"] = session
    return session


async def signed_in(request: Request) -> Session:
    """
    Return the session that *request* belongs to.

    Raises:
        Problem: it has none, or the session has ended, or its key was revoked.
    """
    session = await session_of(request)
    if session is None:
        raise Problem(
            problems.UNAUTHORIZED,
            "nobody is signed in here, or not any more: sessions end after half an hour without use",
            headers=_CHALLENGE,
        )
    return session


async def own_form(request: Request) -> tuple[Session, Mapping[str, str]]:
    """
    Return the session that *request* belongs to, and the fields of its small form.

    Raises:
        Problem: there is none, or another site made the form.
    """
    session = await signed_in(request)
    forms.require_same_origin(request)
    with gateway_of(request).buffers.share() as share:
        fields = forms.fields_of(await forms.body_of(request, share))
    require_own(session, fields)
    return session, fields


def require_own(session: Session, fields: Mapping[str, str]) -> None:
    """
    Make sure that *session* made the form that *fields* come from.

    Raises:
        Problem: it did not.
    """
    if not session.has_made(fields.get(forms.TOKEN, "")):
        raise Problem(
            problems.FOREIGN,
            "nothing was changed; this form is of an earlier session, so load the page again",
        )


def inbox_of(request: Request) -> Folder:
    """
    Return the caught mails, for a browser on this machine that also calls it so.

    A page elsewhere can have its own name lead to 127.0.0.1, but it cannot have the browser say "localhost".

    Raises:
        starlette.exceptions.HTTPException: there is no inbox.
        Problem: it is asked for from elsewhere.
    """
    inbox = pages_of(request).inbox
    if inbox is None:
        raise HTTPException(404)
    if not (request.client and is_loopback(request.client.host) and is_loopback(host_of(request))):
        raise Problem(
            problems.FORBIDDEN_HERE,
            "the inbox is for development, and answers on this machine only: localhost",
        )
    return inbox
