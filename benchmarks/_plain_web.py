"""What most people would write: FastAPI, the contract's model, and a `send_task` for each request."""

from __future__ import annotations

import os
import uuid
from typing import Any

from celery import Celery
from fastapi import FastAPI, Response

from tasks.contract.validation import parse

app = FastAPI()
_celery = Celery("plain", broker=os.environ["BENCHMARK_QUEUE"], set_as_current=False)
_celery.conf.update(task_create_missing_queues=True, result_extended=False)


@app.post("/v1/emails", status_code=202)
def send_email(mail: dict[str, Any], response: Response) -> dict[str, str]:
    """Check the mail, enqueue it, answer with its id."""
    message = parse(mail).to_message()
    mail_id = str(uuid.uuid4())
    _celery.send_task("send_email", kwargs=message, task_id=mail_id, queue="default", kwargsrepr="{…}")
    response.headers["Location"] = f"/v1/emails/{mail_id}"
    return {"id": mail_id, "state": "queued"}
