"""A shop in Flask that sends its mail through Postroom."""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from postroom import File, Postroom, Refused, Unavailable

app = Flask(__name__)
# POSTROOM_BROKER_URL, or POSTROOM_GATEWAY_URL and POSTROOM_API_KEY.
app.config.update({name: value for name, value in os.environ.items() if name.startswith("POSTROOM_")})
postroom = Postroom(app)


@app.post("/orders")
def order() -> tuple[dict[str, Any], int]:
    """Take an order, and confirm it by mail."""
    number = request.form["number"]
    mail_id = postroom.send(
        to=request.form["email"],
        subject=f"Your order {number}",
        body="It is on its way.",
        html="<p>It is <b>on its way</b>.</p>",
        attachments=[File(f"invoice {number}.txt", f"Order {number}: 12.00".encode())],
        idempotency_key=f"order-{number}",
    )
    return {"mail": mail_id}, 202


@app.get("/mails/<mail_id>")
def standing(mail_id: str) -> dict[str, Any]:
    """Say what became of a mail; `?wait=10` holds the answer back until that is known."""
    status = postroom.wait(mail_id, timeout=request.args.get("wait", 0.0, float))
    return {"state": status.state, "code": status.code, "message": status.message}


@app.errorhandler(Refused)
def refused(error: Refused) -> tuple[dict[str, Any], int]:
    """Say what is wrong with a mail."""
    return {"errors": error.problems}, 422


@app.errorhandler(Unavailable)
def unavailable(_: Unavailable) -> tuple[dict[str, Any], int]:
    """Ask for another try."""
    return {"errors": ["mail cannot be handed in at the moment; try again"]}, 503
