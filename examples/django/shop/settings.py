"""A shop that sends its mail through Postroom."""

from __future__ import annotations

import os
from pathlib import Path

import django

FOLDER = Path(__file__).parents[1]
SECRET_KEY = os.environ.get("SECRET_KEY", "for the example only")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [FOLDER / "templates"],
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "shop.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/"

# What Postroom needs.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "shop.mail_backend.EmailBackend"}}
else:
    EMAIL_BACKEND = "shop.mail_backend.EmailBackend"
ADMINS = ["admin@example.org"] if django.VERSION >= (6, 0) else [("Admin", "admin@example.org")]
DEFAULT_FROM_EMAIL = "Shop <shop@example.org>"
POSTROOM = (
    {
        "GATEWAY_URL": os.environ["POSTROOM_GATEWAY_URL"],
        "API_KEY_FILE": os.environ["POSTROOM_API_KEY_FILE"],
    }
    if "POSTROOM_GATEWAY_URL" in os.environ
    else {"BROKER_URL": os.environ.get("POSTROOM_BROKER_URL", "redis://127.0.0.1:6379/0")}
)
