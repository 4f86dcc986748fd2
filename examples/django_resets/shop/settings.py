"""Settings of a small shop with Django's own users; for trying things out, not for production."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parents[1]
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "for-trying-things-out-only-" + "0" * 32)
DEBUG = os.environ.get("SHOP_DEBUG") == "1"  # links may then begin with http://
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",  # whose templates Django's password pages use
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", BASE_DIR / "shop.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_URL = "/admin/login/"

POSTROOM_RESETS = {
    "TOKEN_FILE": os.environ.get("SHOP_RESET_TOKEN_FILE", "/run/secrets/reset_token"),
    "LINK_BASE": os.environ.get("SHOP_LINK_BASE", "https://shop.example.com"),
}
# The gateway that takes requests of the form "forgot your password?", and the API key for it.
POSTROOM_GATEWAY = os.environ.get("SHOP_GATEWAY", "http://127.0.0.1:8080")
POSTROOM_KEY_FILE = os.environ.get("SHOP_GATEWAY_KEY_FILE", "/run/secrets/postroom_key")
