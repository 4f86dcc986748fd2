"""django-celery-email: Django's mail backend that sends in chunks through Celery."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import django
from celery import Celery
from django.conf import settings

from benchmarks.peers.mails import BODY, mail, paced, report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

settings.configure(
    INSTALLED_APPS=["djcelery_email"],
    EMAIL_BACKEND="djcelery_email.backends.CeleryEmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=int(os.environ.get("BENCH_SMTP_PORT", "25")),
    CELERY_EMAIL_CHUNK_SIZE=int(os.environ.get("BENCH_CHUNK", "10")),
    CELERY_EMAIL_TASK_CONFIG={"ignore_result": False},
    SECRET_KEY="only for the benchmark",  # noqa: S106 (nothing is signed)
)
django.setup()
app = Celery("djce", broker=os.environ["BENCH_REDIS"], backend=os.environ["BENCH_REDIS"])
app.set_default()
app.autodiscover_tasks(["djcelery_email"], force=True)


def many(count: int) -> Iterator[str]:
    """Hand Django's mail API five hundred mails at a time."""
    from django.core import mail as django_mail  # noqa: PLC0415 (needs the settings above)

    backend = django_mail.get_connection()
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        for result in backend.send_messages([_message(django_mail, number) for number in numbers]):
            yield f"celery-task-meta-{result.id}"


def single(number: int) -> str:
    """Enqueue one mail and return the key of its result."""
    from django.core import mail as django_mail  # noqa: PLC0415 (needs the settings above)

    [result] = django_mail.get_connection().send_messages([_message(django_mail, number)])
    return f"celery-task-meta-{result.id}"


def _message(django_mail: object, number: int) -> object:
    values = mail(number)
    message = django_mail.EmailMessage(values["subject"], BODY, "shop@example.com", [values["to"]])  # type: ignore[attr-defined] # Django's module
    if file := os.environ.get("BENCH_FILE"):
        message.attach_file(file)
    return message


def _many(count: int) -> Iterable[str]:
    return list(many(count))


if __name__ == "__main__":
    if warm := int(os.environ.get("BENCH_WARM", "0")):
        _many(warm)
    if sys.argv[1] == "paced":
        paced(single, int(sys.argv[2]))
    else:
        report(_many, int(sys.argv[2]))
