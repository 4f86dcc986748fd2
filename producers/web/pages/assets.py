"""The pages' style and icon."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from producers.web.pages.rendering import ASSETS, HEADERS, asset

router = APIRouter(include_in_schema=False)

_KINDS: Final = {"style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
#: Their addresses change with their content.
_KEPT: Final = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
#: What an icon that is opened by itself may do.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


@router.get(ASSETS + "{name}")
async def serve(name: str) -> Response:
    """Serve one of the assets; there are no others."""
    if name not in _KINDS:
        raise HTTPException(404)
    return Response(asset(name), 200, {**_KEPT, "Content-Security-Policy": _POLICY}, _KINDS[name])
