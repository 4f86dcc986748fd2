"""Addresses of the shop."""

from django.contrib import admin
from django.contrib.auth import urls as auth_urls
from django.urls import include, path

from shop.passwords import ChosenView, ForgotView

urlpatterns = [
    # Before Django's own: the pages look the same, and Postroom sends the mails.
    path("accounts/password_reset/", ForgotView.as_view(), name="password_reset"),
    path(
        "accounts/reset/<uidb64>/<token>/",
        ChosenView.as_view(),
        name="password_reset_confirm",
    ),
    path("accounts/", include(auth_urls)),
    path("admin/", admin.site.urls),
    path("postroom/", include("postroom_resets")),
]
