"""A way around the framework for the one operation that nearly all requests are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from producers.web.handlers import answer_to
from producers.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send


class Express:
    """
    Calls *endpoint* itself for requests to *route*, whose path has no parameters; passes all others on.

    The endpoint asks for nothing that FastAPI would find for it, so that finding the route and looking for
    dependencies is a third of what such a request takes. The route stays in its router, which describes it.
    """

    def __init__(
        self, app: ASGIApp, *, route: Route, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._route = route
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != self._route.path or not self._takes(scope["method"]):
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive, send)
        try:
            response = await self._endpoint(request)
        except Problem as problem:
            response = answer_to(request, problem)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    def _takes(self, method: str) -> bool:
        return method in (self._route.methods or ())
