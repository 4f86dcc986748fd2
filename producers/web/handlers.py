"""How exceptions become problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match, Route

from producers.web import problems
from producers.web.pages.failures import problem_page, wants_page
from producers.web.problems import Kind, Problem, field_error
from tasks.contract.errors import InvalidInput
from tasks.contract.wording import complaint

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import JsonValue
    from starlette.requests import Request

_KINDS = {404: problems.NOT_FOUND, 405: problems.METHOD, 413: problems.TOO_LARGE}


def install(app: FastAPI) -> None:
    """Have every exception of *app*, which has all its routers, answered as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(InvalidInput, _invalid_input)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


def invalid(error: InvalidInput, *, at: str = "", data: object = None) -> Problem:
    """Return the problem of a mail that breaks the contract; *at* points to *data*, its part of the body."""
    count = len(error.errors)
    return Problem(
        problems.INVALID,
        f"{count} {'field is' if count == 1 else 'fields are'} wrong; errors says which and why",
        errors=[field_error(each, at=at, data=data) for each in error.errors],
        code=int(error.code),
    )


def answer_to(request: Request, problem: Problem) -> Response:
    """
    Return the answer to *request*, in which *problem* came up: a page for people, else a document.

    The rate is told if the request was counted.
    """
    problem.headers = rate_headers(request) | problem.headers
    return problem_page(request, problem) if wants_page(request, problem) else problem.response()


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 (what it was installed for)
    return answer_to(request, error)


def rate_headers(request: Request) -> dict[str, str]:
    """Return the header fields that tell the rate, where the request was counted already."""
    return dict(request.scope["state"].get("rate", {}))


async def _invalid_input(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidInput)  # noqa: S101 (what it was installed for)
    return answer_to(request, invalid(error))


async def _invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (what it was installed for)
    errors: list[JsonValue] = [_parameter(details) for details in error.errors()]
    return await _problem(
        request, Problem(problems.INVALID, "a parameter is wrong; errors says which and why", errors=errors)
    )


def _parameter(details: dict[str, Any]) -> JsonValue:
    where, *path = details["loc"]
    name = ".".join(map(str, path))
    return {"parameter": name, "in": str(where), "detail": complaint(details)}


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (what it was installed for)
    kind = _KINDS.get(error.status_code)
    if kind is problems.METHOD:
        allowed = ", ".join(sorted(_methods(request)))
        return answer_to(request, Problem(kind, f"use {allowed}", headers={"Allow": allowed}))
    if kind is problems.NOT_FOUND:
        detail = "no resource has this path; /openapi.json lists those there are"
        return answer_to(request, Problem(kind, detail))
    known = kind or Kind("malformed-request", error.status_code, problems.MALFORMED.title)
    return answer_to(request, Problem(known, "the request cannot be read"))


async def _gone(_request: Request, _error: Exception) -> Response:
    """Answer nobody: the client went away."""
    return Response(status_code=499)


def _methods(request: Request) -> set[str]:
    found: set[str] = set()
    included = (getattr(route, "original_router", None) for route in request.app.routes)
    routes = [route for router in included if router for route in router.routes]
    for route in (*request.app.routes, *routes):
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found
