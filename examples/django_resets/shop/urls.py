"""Addresses of the shop."""

from django.contrib import admin
from django.contrib.auth import urls as auth_urls
from django.urls import include, path

from shop.forgot import ForgotView

urlpatterns = [
    # Before Django's own: the form looks the same, and Postroom sends the mail.
    path("accounts/password_reset/", ForgotView.as_view(), name="password_reset"),
    path("accounts/", include(auth_urls)),
    path("admin/", admin.site.urls),
    path("postroom/", include("postroom_resets")),
]
