"""dramatiq: an actor with a kept connection for each thread."""

from __future__ import annotations

import os
import smtplib
import sys
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.peers.mails import mail, paced, report

if TYPE_CHECKING:
    from collections.abc import Iterable

backend = RedisBackend(url=os.environ["BENCH_REDIS"])
broker = RedisBroker(url=os.environ["BENCH_REDIS"])
broker.add_middleware(Results(backend=backend))
dramatiq.set_broker(broker)
kept = threading.local()


@dramatiq.actor(store_results=True, max_retries=0)
def send(to: str, subject: str, body: str) -> dict[str, object]:
    """Send one mail."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.com", to, subject
    message.set_content(body)
    if file := os.environ.get("BENCH_FILE"):
        content = Path(file).read_bytes()
        message.add_attachment(content, "application", "octet-stream", filename="file.bin")
    if not hasattr(kept, "server"):
        kept.server = smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_SMTP_PORT"]))
    kept.server.send_message(message)
    return {"success": True, "code": 250}


def single(number: int) -> str:
    """Enqueue one mail and return the key of its result."""
    return str(backend.build_message_key(send.send(**mail(number))))


def one(count: int) -> Iterable[str]:
    """Call `send` for each mail."""
    return [single(number) for number in range(count)]


if __name__ == "__main__":
    if warm := int(os.environ.get("BENCH_WARM", "0")):
        one(warm)
    if sys.argv[1] == "paced":
        paced(single, int(sys.argv[2]))
    else:
        report(one, int(sys.argv[2]))
