"""A shop in FastAPI that sends its mail through Postroom."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Form, Request
from fastapi.responses import JSONResponse
from postroom import File, Postroom, Refused, Unavailable

app = FastAPI(title="Shop")
postroom = Postroom()  # from POSTROOM_BROKER_URL, or POSTROOM_GATEWAY_URL and POSTROOM_API_KEY
Mails = Annotated[Postroom, Depends(postroom)]


@app.post("/orders", status_code=202)
async def order(
    mails: Mails, number: Annotated[str, Form()], email: Annotated[str, Form()]
) -> dict[str, str]:
    """Take an order, and confirm it by mail."""
    mail_id = await mails.send(
        to=email,
        subject=f"Your order {number}",
        body="It is on its way.",
        html="<p>It is <b>on its way</b>.</p>",
        attachments=[File(f"invoice {number}.txt", f"Order {number}: 12.00".encode())],
        idempotency_key=f"order-{number}",
    )
    return {"mail": mail_id}


@app.get("/mails/{mail_id}")
async def standing(mails: Mails, mail_id: str, wait: float = 0.0) -> dict[str, Any]:
    """Say what became of a mail; `?wait=10` holds the answer back until that is known."""
    status = await mails.wait(mail_id, timeout=wait)
    return {"state": status.state, "code": status.code, "message": status.message}


@app.exception_handler(Refused)
async def refused(_: Request, error: Refused) -> JSONResponse:
    """Say what is wrong with a mail."""
    return JSONResponse({"errors": error.problems}, 422)


@app.exception_handler(Unavailable)
async def unavailable(_: Request, __: Unavailable) -> JSONResponse:
    """Ask for another try."""
    return JSONResponse({"errors": ["mail cannot be handed in at the moment; try again"]}, 503)
