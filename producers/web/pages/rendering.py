"""From templates to answers: one environment, and the headers that every page has."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from producers.web.pages.wording import WORDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

#: Where the pages' style and icon are.
ASSETS: Final = "/pages/"

_PACKAGE: Final = "producers.web.pages"
_POLICY: Final = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
#: For every answer that a browser may show. A stricter referrer policy would take the origin from forms, too.
HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    policy: Mapping[str, str] | None = None,
    **facts: Any,
) -> HTMLResponse:
    """Return *template* filled with *facts*; *policy* adds to what the page may load, which is little."""
    state = request.scope["state"]
    shared = {
        "session": state.get("session"),
        "has_inbox": request.app.state.pages.inbox is not None,
        "path": request.url.path,
        "now": datetime.now(UTC),
    }
    text = _environment().get_template(template).render(**shared, **facts)
    return HTMLResponse(
        text, status, {**HEADERS, "Content-Security-Policy": policy_of(policy), **(headers or {})}
    )


def policy_of(more: Mapping[str, str] | None = None) -> str:
    """Return the content security policy of a page, with *more* directives."""
    return "; ".join(f"{name} {value}".strip() for name, value in {**_POLICY, **(more or {})}.items())


@cache
def asset(name: str) -> bytes:
    """Return the content of an asset, which must be one."""
    return resources.files(_PACKAGE).joinpath("assets", name).read_bytes()


def _address(name: str) -> str:
    """Return the address of an asset: another for another content, so that it may be kept for long."""
    return f"{ASSETS}{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=_address, wording=WORDINGS.__getitem__)
    environment.filters.update(moment=_moment, ago=_ago, size=_size)
    return environment


def _moment(value: datetime) -> Markup:
    utc = value.astimezone(UTC)
    shown = f"{utc.day} {utc:%b %Y, %H:%M:%S}"
    return Markup('<time datetime="{}">{} <abbr title="Coordinated Universal Time">UTC</abbr></time>').format(
        utc.isoformat(timespec="milliseconds"), shown
    )


def _ago(value: datetime, now: datetime) -> str:
    """Return how long before *now* a moment was, or how long after it will be."""
    seconds = (now - value).total_seconds()
    whole, unit = next(((n, unit) for n, unit in _UNITS if abs(seconds) >= n), (1, "second"))
    count = int(abs(seconds) // whole)
    if count == 0:
        return "just now"
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _size(count: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, one in (("MB", 1_000_000), ("kB", 1000)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count} byte{'' if count == 1 else 's'}"
