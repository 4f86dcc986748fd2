"""Celery as it is mostly used: an ordinary task, an EmailMessage and a connection for each mail."""

from __future__ import annotations

import os
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery

from benchmarks.peers.mails import mail, paced, report

if TYPE_CHECKING:
    from collections.abc import Iterable

app = Celery("naive", broker=os.environ["BENCH_REDIS"], backend=os.environ["BENCH_REDIS"])


@app.task(name="send")
def send(to: str, subject: str, body: str) -> dict[str, object]:
    """Send one mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(body)
    if file := os.environ.get("BENCH_FILE"):
        content = Path(file).read_bytes()
        message.add_attachment(content, "application", "octet-stream", filename="file.bin")
    with smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_SMTP_PORT"])) as server:
        server.send_message(message)
    return {"success": True, "code": 250}


def single(number: int) -> str:
    """Enqueue one mail and return the key of its result."""
    return f"celery-task-meta-{send.delay(**mail(number)).id}"


def one(count: int) -> Iterable[str]:
    """Call `delay` for each mail."""
    return [single(number) for number in range(count)]


if __name__ == "__main__":
    if warm := int(os.environ.get("BENCH_WARM", "0")):
        one(warm)
    if sys.argv[1] == "paced":
        paced(single, int(sys.argv[2]))
    else:
        report(one, int(sys.argv[2]))
