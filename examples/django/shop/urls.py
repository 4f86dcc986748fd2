"""Where the shop's pages are."""

from __future__ import annotations

from django.contrib.auth.views import PasswordResetView
from django.urls import include, path

from shop import mail_backend, views

# Somebody waits for this mail: it goes before the others.
password_reset = mail_backend.options(lane="reset")(PasswordResetView.as_view())

urlpatterns = [
    path("orders/", views.order),
    path("news/", views.newsletter),
    path("mails/<uuid:mail_id>/", views.standing),
    path("password_reset/", password_reset),
    path("", include("django.contrib.auth.urls")),
]
