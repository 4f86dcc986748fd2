"""Where the shop's pages are."""

from __future__ import annotations

from django.contrib.auth.views import PasswordResetView
from django.urls import include, path

from shop import mail_backend, views

urlpatterns = [
    path("orders/", views.order),
    path("news/", views.newsletter),
    path("mails/<uuid:mail_id>/", views.standing),
    # Somebody waits for this mail: it goes before the others.
    path("password_reset/", mail_backend.options(lane="reset")(PasswordResetView.as_view())),
    path("", include("django.contrib.auth.urls")),
]
