"""The caught mails of development, as pages: a list, each mail, its HTML, its files, its source."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from typing import Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from producers.web import problems
from producers.web.gateway import gateway_of
from producers.web.inbox import html
from producers.web.inbox.folder import HEAD, Entry, Folder, Gone
from producers.web.inbox.message import Caught, Part, read, read_head
from producers.web.pages import guards
from producers.web.pages.rendering import HEADERS, page
from producers.web.problems import Problem

router = APIRouter(include_in_schema=False)

INBOX: Final = "/inbox"
_PAGE: Final = 50
_VIEWS: Final = ("html", "text", "headers")
#: Seconds between two looks of the list.
_AGAIN: Final = 3
#: What is shown or kept as it is, and must not be taken for a page of ours.
_RAW: Final = {**HEADERS, "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"}
_SANDBOX: Final = {
    **HEADERS,
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": html.POLICY,
    "Referrer-Policy": "no-referrer",
    # Names of hosts are looked up ahead, which would tell them that the mail is read.
    "X-DNS-Prefetch-Control": "off",
}


class Opened(NamedTuple):
    """A mail with the file that it is in."""

    entry: Entry
    caught: Caught
    is_whole: bool


@router.get(INBOX)
async def show_list(request: Request) -> Response:
    """Show the caught mails, newest first."""
    inbox = guards.inbox_of(request)
    start = _start(request)
    entries = await gateway_of(request).call(inbox.entries)
    shown = await gateway_of(request).call(_heads, inbox, entries[start : start + _PAGE])
    return page(
        request,
        "inbox.html",
        mails=shown,
        count=len(entries),
        start=start,
        newer=max(0, start - _PAGE) if start else None,
        older=start + _PAGE if start + _PAGE < len(entries) else None,
        folder=inbox.path,
        again=_AGAIN,
        is_refreshing="stay" not in request.query_params,
    )


@router.get(INBOX + "/{name}")
async def show_mail(request: Request, name: str) -> Response:
    """Show one mail: its HTML in a sandbox, its text or its headers."""
    opened = await _opened(request, name)
    caught = opened.caught
    there = {"html": caught.html is not None, "text": caught.text is not None, "headers": True}
    asked = request.query_params.get("view", "")
    view = asked if there.get(asked) else next(each for each in _VIEWS if there[each])
    return page(
        request,
        "caught.html",
        policy={"frame-src": "'self'"},
        mail=opened,
        views=[each for each in _VIEWS if there[each]],
        view=view,
        is_narrow="narrow" in request.query_params,
        links=html.links(caught),
        has_remote=bool(caught.html) and html.has_remote_images(caught.html or ""),
    )


@router.get(INBOX + "/{name}/html")
async def show_html(request: Request, name: str) -> Response:
    """Serve a mail's HTML to the frame of its page."""
    caught = (await _opened(request, name)).caught
    if caught.html is None:
        raise _no_such()
    content = html.document(caught.html, caught.parts).encode("utf-8", "replace")
    return Response(content, 200, dict(_SANDBOX), "text/html; charset=utf-8")


@router.get(INBOX + "/{name}/parts/{number}")
async def keep_part(request: Request, name: str, number: str) -> Response:
    """Serve one of a mail's files, to be kept and never to be shown."""
    caught = (await _opened(request, name)).caught
    part = next((each for each in caught.parts if str(each.number) == number), None)
    if part is None:
        raise _no_such()
    headers = {**_RAW, "Content-Disposition": _disposition(part)}
    return Response(part.content, 200, headers, "application/octet-stream")


@router.get(INBOX + "/{name}/source")
async def show_source(request: Request, name: str) -> Response:
    """Serve a mail as it was caught."""
    inbox = guards.inbox_of(request)
    try:
        entry = await gateway_of(request).call(inbox.find, name)
        content = await gateway_of(request).call(inbox.read, entry)
    except Gone:
        raise _no_such() from None
    return Response(content, 200, dict(_RAW), "text/plain; charset=utf-8")


def _start(request: Request) -> int:
    asked = request.query_params.get("start", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0  # noqa: PLR2004 (digits)


def _heads(inbox: Folder, entries: list[Entry]) -> list[tuple[Entry, Caught]]:
    found = []
    for entry in entries:
        try:
            found.append((entry, read_head(inbox.read(entry, most=HEAD))))
        except Gone:
            continue
    return found


async def _opened(request: Request, name: str) -> Opened:
    inbox = guards.inbox_of(request)
    try:
        return await gateway_of(request).call(_open, inbox, name)
    except Gone:
        raise _no_such() from None


def _open(inbox: Folder, name: str) -> Opened:
    entry = inbox.find(name)
    content = inbox.read(entry)
    return Opened(entry, read(content), len(content) >= entry.size)


def _no_such() -> Problem:
    return Problem(problems.NO_SUCH_MAIL, "the inbox has no such email, or not any more")


def _disposition(part: Part) -> str:
    plain = part.name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(part.name, safe='')}"
