"""Problems as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from producers.web import problems
from producers.web.pages.rendering import ASSETS, page
from producers.web.pages.signing_in import SIGN_IN, sign_in_first

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from producers.web.problems import Problem

_ROOTS: Final = ("/emails", "/inbox", ASSETS)
_API: Final = "/v1/"
_HTML: Final = "text/html"


def wants_page(request: Request, problem: Problem) -> bool:
    """Whether a person asks: for one of the pages, or with a browser for something that is not there."""
    if request.app.state.pages is None:
        return False
    path: str = request.scope["path"]
    if path.startswith(_ROOTS):
        return True
    is_lost = problem.kind is problems.NOT_FOUND and not path.startswith(_API)
    return is_lost and _HTML in request.headers.get("accept", "")


def problem_page(request: Request, problem: Problem) -> Response:
    """Return *problem* as a page; somebody who only has to sign in is led there."""
    if problem.kind is problems.UNAUTHORIZED and request.method == "GET":
        return sign_in_first(request)
    detail = "no page has this address" if problem.kind is problems.NOT_FOUND else problem.detail
    return page(
        request,
        "problem.html",
        status=problem.kind.status,
        headers=problem.headers,
        problem=problem,
        detail=_sentence(detail),
        sign_in=SIGN_IN,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
