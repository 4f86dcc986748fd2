"""The composition of the gateway: its routers, and what they share."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.routing import Route

from producers.web import handlers, openapi
from producers.web.access import Access
from producers.web.express import Express
from producers.web.inbox import pages as inbox
from producers.web.pages import actions, assets, signing_in
from producers.web.pages import emails as email_pages
from producers.web.routers import (
    attachments,
    batches,
    control,
    emails,
    health,
    listing,
    password_resets,
    reset_completions,
    reset_records,
    webhooks,
)
from producers.web.stopping import told_to_stop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import APIRouter
    from starlette.types import ASGIApp

    from producers.web.gateway import Gateway
    from producers.web.pages.state import Pages

#: One for each kind of thing that callers deal with.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    emails.router,
    batches.router,
    listing.router,
    control.router,
    attachments.router,
    password_resets.router,
    reset_completions.router,
    reset_records.router,
    webhooks.router,
    health.router,
)
#: What people see; the longer paths first.
PAGES: Final[tuple[APIRouter, ...]] = (
    signing_in.router,
    actions.router,
    email_pages.router,
    inbox.router,
    assets.router,
)


def create_app(gateway: Gateway, pages: Pages | None = None) -> ASGIApp:
    """Return the application that answers with *gateway*, which it closes at its end, and shows *pages*."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with told_to_stop(gateway.stopping):
            yield
        gateway.close()

    app = FastAPI(
        title="Postroom",
        summary="Carries emails through a queue and SMTP to an honest result.",
        version=_version(),
        lifespan=lifespan,
        # The document has an address below; the pages that show it would load their scripts from elsewhere.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Asked for at each request, and nobody here listens.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.gateway = gateway
    app.state.pages = pages
    for router in (*ROUTERS, *(PAGES if pages else ())):
        app.include_router(router)
    handlers.install(app)
    app.add_middleware(Access, metrics=gateway.metrics)

    @app.get("/openapi.json", include_in_schema=False)
    async def document() -> JSONResponse:
        return JSONResponse(openapi.document(app))

    return Express(app, route=_route(emails.send_email), endpoint=emails.send_email, metrics=gateway.metrics)


def _route(endpoint: object) -> Route:
    """Return the route of *endpoint*."""
    return next(
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, Route) and route.endpoint is endpoint
    )


def _version() -> str:
    """Return the product's version; an image has the packages without what an installation says of them."""
    try:
        return version("postroom")
    except PackageNotFoundError:
        return "unknown"
