"""A way around the framework for the one operation that nearly all requests are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from producers.web.access import Access
from producers.web.handlers import answer_to
from producers.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send

    from producers.web.metrics import Metrics


class Express:
    """
    Serves requests to *route*, whose path has no parameters, without *app*, which serves all others.

    The route's endpoint asks for nothing that FastAPI would find for it, so that its layers, finding the
    route and looking for dependencies are half of what such a request takes. The route stays in its router,
    which describes it.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        route: Route,
        endpoint: Callable[[Request], Awaitable[Response]],
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._route = route
        self._endpoint = endpoint
        self._direct = Access(self._serve, metrics=metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the whole life of the application."""
        if scope["type"] == "http" and scope["path"] == self._route.path and self._takes(scope["method"]):
            scope["app"] = self._app
            scope["route"] = self._route
            await self._direct(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _takes(self, method: str) -> bool:
        return method in (self._route.methods or ())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._endpoint(request)
        except Problem as problem:
            response = answer_to(request, problem)
        except ClientDisconnect:
            return
        await response(scope, receive, send)
