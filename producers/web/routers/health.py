"""Whether the process runs, whether it can work, and what it has counted."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

import hmac

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from producers.web import problems
from producers.web.answers import Health
from producers.web.describing import bare_refusals
from producers.web.gateway import gateway_of
from producers.web.metrics import MEDIA_TYPE

router = APIRouter(tags=["operations"])


@router.get(
    "/healthz",
    operation_id="health",
    summary="Does the process answer?",
    response_model=Health,
    responses=bare_refusals(),
)
async def health() -> Response:
    """Say that the process runs; asks nobody else."""
    return _ok()


@router.get(
    "/readyz",
    operation_id="readiness",
    summary="Can emails be handed in?",
    response_model=Health,
    responses=bare_refusals(problems.UNAVAILABLE, problems.BUSY),
)
async def readiness(request: Request) -> Response:
    """Say whether the journal answers."""
    gateway = gateway_of(request)
    await gateway.call(gateway.errands.ping)
    return _ok()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Give Prometheus what it asks for, if it has the token; else there is nothing here."""
    gateway = gateway_of(request)
    expected = gateway.metrics_token
    given = request.headers.get("authorization", "").encode("latin-1")
    if expected is None or not hmac.compare_digest(given, b"Bearer " + expected.get_secret_value().encode()):
        raise HTTPException(404)
    return Response(await gateway.call(gateway.metrics.render), media_type=MEDIA_TYPE)


def _ok() -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")
