"""What the Django tests do inside the shop, which imports nothing of ours: python steps.py <step> <words>."""

from __future__ import annotations

import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402 (Django must be set up first)
from django.core import mail  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from shop import mail_backend  # noqa: E402

import tasks  # noqa: E402
import worker  # noqa: E402

POST = mail_backend.backend()


def version(_: str) -> list[object]:
    """Tell which Django this is, and which setting of the project's names the backend."""
    chosen = [name for name in ("EMAIL_BACKEND", "MAILERS") if settings.is_overridden(name)]
    return [".".join(map(str, django.VERSION[:2])), *chosen]


def accepted() -> list[str]:
    """Collect the ids of what is handed in."""
    found: list[str] = []

    def note(mail_id: str, **_: object) -> None:
        found.append(mail_id)

    mail_backend.handed_in.connect(note, weak=False)
    return found


def states(ids: list[str]) -> list[str]:
    return [POST.wait(mail_id, timeout=30).state for mail_id in ids]


def unchanged(name: str) -> dict[str, object]:
    """Go through everything that Django itself sends with."""
    User.objects.create_user("ann", f"reset.{name}@example.org", "first")
    ids = accepted()
    mass = [(f"News {n}", "Hello", None, [f"mass{n}.{name}@example.org"]) for n in range(5)]
    counts = [
        mail.send_mail("Hi", "Hello", None, [f"one.{name}@example.org"], html_message="<p>Hello</p>"),
        mail.send_mass_mail(mass),
        mail.mail_admins(f"Fault {name}", "Something broke"),
    ]
    page = Client().post("/password_reset/", {"email": f"reset.{name}@example.org"})
    return {
        "counts": counts,
        "reset": [page.status_code, page.get("Location")],
        "states": states(ids),
        "modules": [tasks.__file__, worker.__file__],
    }


def order(name: str) -> dict[str, object]:
    """Order something, and look its mail up through the shop's page."""
    client = Client()
    answer = client.post("/orders/", {"number": f"7-{name}", "email": f"order.{name}@example.org"})
    page = client.get(f"/mails/{answer.json()['mail']}/?wait=30")
    news = client.post("/news/", {"email": [f"news{n}.{name}@example.org" for n in range(2)]})
    return {"status": answer.status_code, "news": news.json(), **page.json()}


def follow(link: str) -> dict[str, object]:
    """Follow the link of a password reset and log in with the new password."""
    client = Client()
    form = client.get("/" + link.split("/", 3)[3])
    saved = client.post(form["Location"], {"new_password1": "better-4711", "new_password2": "better-4711"})
    return {"saved": saved.get("Location"), "in": client.login(username="ann", password="better-4711")}


def transactions(name: str) -> dict[str, object]:
    """Send in transactions that are committed and rolled back."""
    ids = accepted()
    seen = []
    with transaction.atomic():
        seen.append(mail.send_mail("Kept", "Hello", None, [f"kept.{name}@example.org"]))
        mail.mail_admins(f"At once {name}", "Something broke")
        seen.append(len(ids))
    seen.append(len(ids))
    with transaction.atomic():
        mail.send_mail("Dropped", "Hello", None, [f"dropped.{name}@example.org"])
        transaction.set_rollback(True)
    return {"seen": [*seen, len(ids)], "states": states(ids)}


if __name__ == "__main__":
    step, *words = sys.argv[1:]
    answers = {each: globals()[each](*words) for each in step.split(",")}
    json.dump(answers, sys.stdout)
