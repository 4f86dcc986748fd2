"""Signing in with an API key, and out again."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import logging
import math
import re
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from producers.web import problems
from producers.web.callers import note
from producers.web.gateway import gateway_of
from producers.web.keys import Key
from producers.web.pages import forms, guards
from producers.web.pages.attempts import place_of
from producers.web.pages.rendering import HEADERS, page
from producers.web.pages.state import pages_of
from producers.web.problems import Problem

logger = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

EMAILS: Final = "/emails"
SIGN_IN: Final = "/emails/sign-in"

#: Where somebody may come to after signing in: our own pages, and nowhere else.
_NEXT: Final = re.compile(r"/emails(/[0-9a-f-]{36})?")


@router.get(SIGN_IN)
async def ask(request: Request) -> Response:
    """Show the form, or go on where there is a session already."""
    further = _further(request.query_params.get("next"))
    if await guards.session_of(request):
        return go(further)
    return _form(request, further)


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Begin a session of the key that the form has."""
    forms.require_same_origin(request)
    gateway = gateway_of(request)
    with gateway.buffers.share() as share:
        fields = forms.fields_of(await forms.body_of(request, share))
    wait = await gateway.call(pages_of(request).attempts.take, place_of(request))
    if wait is not None:
        raise _too_many(request, wait)
    key = gateway.keyring.find(fields.get("key", "").strip())
    further = _further(fields.get("next"))
    if key is None:
        logger.warning("sign-in refused", extra={"why": "key"})
        gateway.metrics.sign_ins.labels("refused").inc()
        return _form(request, further, error="This is no valid API key.", status=401)
    token = await _begin(request, key)
    gateway.metrics.sign_ins.labels("accepted").inc()
    return _with_cookie(request, go(f"{further}?{guards.SIGNED_IN}"), token)


@router.post("/emails/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session, here and in Redis."""
    session, _ = await guards.own_form(request)
    await gateway_of(request).call(pages_of(request).sessions.end, session.token)
    logger.info("signed out", extra={"key": session.key.id})
    response = go(f"{SIGN_IN}?signed-out")
    is_secure = guards.is_secure(request)
    response.delete_cookie(
        guards.cookie_name(request), secure=is_secure, httponly=True, samesite="strict", path="/"
    )
    return response


def go(path: str) -> RedirectResponse:
    """Return the answer that leads to another page of ours."""
    return RedirectResponse(path, 303, dict(HEADERS))


def sign_in_first(request: Request) -> Response:
    """Return the answer to somebody who asks for a page without a session."""
    if guards.SIGNED_IN in request.query_params:
        # The browser was given a cookie a moment ago and did not bring it back.
        return _form(
            request,
            EMAILS,
            error="Your browser did not keep the session. Allow cookies for this site, and open it by https, "
            "or on the gateway's own machine as http://127.0.0.1.",
            status=401,
        )
    return go(f"{SIGN_IN}?next={_further(request.url.path)}")


async def _begin(request: Request, key: Key) -> str:
    """Begin a session of *key* in place of the one that the browser has, and return its token."""
    gateway, sessions = gateway_of(request), pages_of(request).sessions
    earlier = request.cookies.get(guards.cookie_name(request))
    if earlier:
        await gateway.call(sessions.end, earlier)
    token = await gateway.call(sessions.begin, key.id)
    note(request, key=key.id)
    logger.info("signed in", extra={"key": key.id})
    return token


def _further(path: str | None) -> str:
    return path if path and _NEXT.fullmatch(path) else EMAILS


def _with_cookie(request: Request, response: Response, token: str) -> Response:
    # Without an age: the browser forgets it when it is closed, Redis does before.
    response.set_cookie(
        guards.cookie_name(request),
        token,
        secure=guards.is_secure(request),
        httponly=True,
        samesite="strict",
        path="/",
    )
    return response


def _form(request: Request, further: str, *, error: str = "", status: int = 200) -> Response:
    said = "You are signed out." if "signed-out" in request.query_params else ""
    return page(request, "sign_in.html", status=status, further=further, error=error, said=said)


def _too_many(request: Request, wait: float) -> Problem:
    logger.warning("sign-in refused", extra={"why": "rate"})
    gateway_of(request).metrics.sign_ins.labels("limited").inc()
    seconds = max(1, math.ceil(wait))
    return Problem(
        problems.RATE,
        f"too many attempts to sign in came from where you are; wait {seconds} seconds and try again",
        headers={"Retry-After": str(seconds)},
    )
