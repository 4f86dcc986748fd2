"""
Joins a Django site to Postroom: it says whose password is to be reset, and makes the link.

Copy this file into the site and add `path("postroom/", include("postroom_resets"))` to its URLs. It needs
nothing but Django (tested with 5.2), and two settings:

    POSTROOM_RESETS = {
        "TOKEN_FILE": "/run/secrets/reset_token",   # what Postroom's workers show: 32 characters or more
        "LINK_BASE": "https://shop.example.com",    # what links begin with; never taken from a request
    }

Whoever has the token can have links made for every account: let only the workers reach these addresses.
Each line of the file is a token that is taken, so that one can be replaced without a pause.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import JsonResponse
from django.urls import path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

_SHORTEST_TOKEN = 32
_LONGEST_BODY = 4096


class NotPossible(Exception):
    """The request cannot be fulfilled: the status of the answer, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class LimitedTokens(PasswordResetTokenGenerator):
    """
    Tokens that Django's own generator takes for *ttl* seconds, no longer.

    Django counts PASSWORD_RESET_TIMEOUT from the moment in the token: it is set back by the difference.
    """

    def __init__(self, ttl: int) -> None:
        super().__init__()
        self._set_back = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT - ttl)

    def _now(self) -> datetime:
        return super()._now() - self._set_back


def find_user(identifier: str) -> AbstractBaseUser | None:
    """Return the user with that address, or else with that user name; nobody where two have the address."""
    model = get_user_model()
    if "@" in identifier:
        field = model.get_email_field_name()
        found = [
            user
            for user in model._default_manager.filter(**{f"{field}__iexact": identifier})[:20]  # noqa: SLF001 (as Django's own form does)
            if _is_same(getattr(user, field), identifier)
        ]
        if found:
            return found[0] if len(found) == 1 else None
    try:
        return model._default_manager.get_by_natural_key(identifier)  # noqa: SLF001 (as above)
    except model.DoesNotExist:
        return None


def is_resettable(user: AbstractBaseUser) -> bool:
    """Whether Django's own form would send this user a link."""
    return bool(user.is_active and user.has_usable_password())


def describe(user: AbstractBaseUser) -> dict[str, Any]:
    """Return what Postroom has to know of a user; add "locale" and "verified" where you know them."""
    name = getattr(user, "get_full_name", str)()
    address = getattr(user, user.get_email_field_name(), "")
    return {"user": str(user.pk), "email": address, "name": name, "active": is_resettable(user)}


def link_for(user: AbstractBaseUser, ttl: int) -> str:
    """Return the link to Django's page for a new password, which works once and for *ttl* seconds."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    place = reverse("password_reset_confirm", args=(uid, LimitedTokens(ttl).make_token(user)))
    return settings.POSTROOM_RESETS["LINK_BASE"].rstrip("/") + place


def _users(asked: dict[str, Any]) -> dict[str, Any]:
    identifier = asked.get("identifier")
    if not isinstance(identifier, str) or not identifier.strip() or "\0" in identifier:
        raise NotPossible(400, "identifier: must be a name or an address")
    user = find_user(identifier.strip())
    if user is None:
        raise NotPossible(404, "there is no such user")
    return describe(user)


def _links(asked: dict[str, Any]) -> dict[str, Any]:
    ttl, longest = asked.get("ttl"), settings.PASSWORD_RESET_TIMEOUT
    if type(ttl) is not int or not 0 < ttl <= longest:
        raise NotPossible(422, f"ttl: must be 1 to {longest} seconds, as PASSWORD_RESET_TIMEOUT says")
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=asked.get("user"))  # noqa: SLF001 (as above)
    except (model.DoesNotExist, ValidationError, ValueError, TypeError, OverflowError):
        user = None
    if user is None or not is_resettable(user):
        raise NotPossible(404, "there is no such user whose password could be reset")
    return {"link": link_for(user, ttl)}


def _view(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[HttpRequest], JsonResponse]:
    def view(request: HttpRequest) -> JsonResponse:
        try:
            _check_token(request)
            status, document = 200, answer(_object(request))
        except NotPossible as why:
            status, document = why.status, {"error": str(why)}
        return JsonResponse(document, status=status, headers={"Cache-Control": "no-store"})

    return csrf_exempt(require_POST(view))


def _check_token(request: HttpRequest) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not any(constant_time_compare(given, token) for token in _tokens()):
        raise NotPossible(401, "the token is not one that is taken")


def _tokens() -> list[str]:
    try:
        lines = Path(settings.POSTROOM_RESETS["TOKEN_FILE"]).read_text(encoding="utf-8").split()
    except (TypeError, OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if len(line) >= _SHORTEST_TOKEN]


def _object(request: HttpRequest) -> dict[str, Any]:
    try:
        is_short = int(request.headers.get("Content-Length") or 0) <= _LONGEST_BODY
        asked = json.loads(request.body) if is_short else None
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise NotPossible(400, f"the body must be a JSON object of at most {_LONGEST_BODY} bytes")
    return asked


def _is_same(one: str, other: str) -> bool:
    """Whether two addresses are the same in any case; databases find more alike than people do."""
    first, second = (unicodedata.normalize("NFKC", address).casefold() for address in (one, other))
    return first == second


def _check_settings() -> None:
    """Refuse to be used with settings that are wrong, when the URLs are loaded."""
    found = getattr(settings, "POSTROOM_RESETS", None)
    if not isinstance(found, dict) or set(found) != {"TOKEN_FILE", "LINK_BASE"}:
        raise ImproperlyConfigured("POSTROOM_RESETS must be a dict with TOKEN_FILE and LINK_BASE")
    if urlsplit(str(found["LINK_BASE"])).scheme != "https" and not settings.DEBUG:
        raise ImproperlyConfigured("POSTROOM_RESETS: LINK_BASE must begin with https:// (or DEBUG be on)")
    if not _tokens():
        why = f"has no line of {_SHORTEST_TOKEN} characters or more, or cannot be read"
        raise ImproperlyConfigured(f"POSTROOM_RESETS: TOKEN_FILE {why}")


_check_settings()
urlpatterns = [path("users", _view(_users)), path("links", _view(_links))]
