"""An order is confirmed by mail, with an invoice; the mail's fate can be looked up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mass_mail
from django.db import transaction
from django.dispatch import receiver
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import mail_backend

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def order(request: HttpRequest) -> JsonResponse:
    """Take an order, and confirm it once the transaction is committed."""
    number = request.POST["number"]
    with transaction.atomic():
        message = EmailMultiAlternatives(
            f"Your order {number}",
            "It is on its way.",
            to=[request.POST["email"]],
            reply_to=["desk@example.org"],
            headers={"X-Postroom-Idempotency-Key": f"order-{number}", "X-Order": number},
        )
        message.attach_alternative("<p>It is <b>on its way</b>.</p>", "text/html")
        message.attach(f"invoice {number}.txt", f"Order {number}: 12.00", "text/plain")
        message.send()
    return JsonResponse({"mail": message.postroom_id}, status=202)


def standing(request: HttpRequest, mail_id: UUID) -> JsonResponse:
    """Say what became of a mail; `?wait=10` holds the answer back until that is known."""
    status = mail_backend.backend().wait(str(mail_id), timeout=float(request.GET.get("wait", 0)))
    return JsonResponse({"state": status.state, "code": status.code, "message": status.message})


@csrf_exempt
@require_POST
def newsletter(request: HttpRequest) -> JsonResponse:
    """Write to many, behind everybody who waits for a mail."""
    news = [("News", "We have moved.", None, [address]) for address in request.POST.getlist("email")]
    with mail_backend.options(lane="bulk", reference="news-5"):
        return JsonResponse({"handed in": send_mass_mail(news)}, status=202)


@receiver(mail_backend.handed_in)
def note(message: EmailMessage, mail_id: str, **_: object) -> None:
    """Write down under which id a message went; here only into the log."""
    logger.info("mail %s: %s", mail_id, message.subject)
