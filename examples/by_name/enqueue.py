"""Enqueue a mail by name: plain Celery, nothing of Postroom's installed."""

from __future__ import annotations

import sys

from worker import app

mail = app.send_task(
    "send_email",
    kwargs={"to": sys.argv[1], "subject": "Your order", "body": "It is on its way."},
    queue="default",  # or "reset", or "bulk"
    argsrepr="()",
    kwargsrepr="{…}",  # keeps the parameters out of Flower and out of the workers' logs
)
outcome = mail.get(timeout=60)
print(mail.id, outcome["success"], outcome["code"], outcome["message"])
