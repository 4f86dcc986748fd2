"""A directory in a realm of Keycloak, asked over its admin REST API."""

from __future__ import annotations

import re
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tasks.password_reset.adapters.asking import Asker, NoAnswer, check_address
from tasks.password_reset.ports import Unreachable, Unusable, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

#: Seconds before its end in which a token is no longer used.
_MARGIN: Final = 20.0
#: Users that are looked through for the one who has exactly that name or address.
_MOST: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SETTING: Final = "POSTROOM_RESETS__KEYCLOAK_"


class Keycloak:
    """
    The realm *realm* of the server at *url*, asked in the name of the client *client_id*.

    *secret* is called for the client's secret each time a token is asked for; a token is kept until shortly
    before its end, and asked for anew once where the realm no longer takes it.

    Raises:
        ValueError: *url* is no https:// address (http is for this machine only).
    """

    def __init__(
        self, url: str, realm: str, client_id: str, secret: Callable[[], SecretStr], asker: Asker
    ) -> None:
        base = check_address(url, "Keycloak's address").rstrip("/")
        self._token_url = f"{base}/realms/{quote(realm, safe='')}/protocol/openid-connect/token"
        self._admin_url = f"{base}/admin/realms/{quote(realm, safe='')}"
        self._client_id = client_id
        self._secret = secret
        self._asker = asker
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def get(self, path: str, *, timeout: float, **query: str) -> Any:
        """
        Return the JSON value at *path* below the realm.

        Raises:
            Refused: it was refused.
            Unreachable: no usable answer came in time.
        """
        last_moment = time.monotonic() + timeout
        answer = self._get(path, query, last_moment)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            # Its sessions were ended, or its keys changed.
            self._forget()
            answer = self._get(path, query, last_moment)
        if answer.status != HTTPStatus.OK:
            raise Refused(answer.status, "users")
        return answer.document()

    def _get(self, path: str, query: dict[str, str], last_moment: float) -> Any:
        headers = {"Authorization": f"Bearer {self._current_token(last_moment)}"}
        left = last_moment - time.monotonic()
        return self._asker.ask("GET", self._admin_url + path, params=query, headers=headers, timeout=left)

    def _current_token(self, last_moment: float) -> str:
        with self._lock:
            if time.monotonic() >= self._until:
                self._renew(last_moment - time.monotonic())
            return self._token

    def _renew(self, timeout: float) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._secret().get_secret_value(),
        }
        now = time.monotonic()
        answer = self._asker.ask("POST", self._token_url, data=form, timeout=timeout)
        if answer.status != HTTPStatus.OK:
            raise Refused(answer.status, "token")
        document = answer.document()
        try:
            self._token, lifetime = str(document["access_token"]), float(document["expires_in"])
        except (LookupError, TypeError, ValueError):
            raise NoAnswer("the answer holds no token") from None
        self._until = now + max(lifetime - _MARGIN, lifetime / 2)

    def _forget(self) -> None:
        with self._lock:
            self._until = 0.0


class Refused(Unreachable):
    """Keycloak answered with *status* where *what*, a token or users, was asked for."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__()
        self.status = status
        self.what = what


class KeycloakDirectory:
    """
    Users of a realm, found by their id, by their address, else by their user name; in any case, and exactly.

    Their reference is Keycloak's id, their stamp the moment at which their password was set.
    """

    def __init__(self, keycloak: Keycloak) -> None:
        self._keycloak = keycloak

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        """
        Return the user; nobody where more than one has the address, for whose link it would be is not known.

        Raises:
            Unreachable: Keycloak gave no usable answer in time.
        """
        last_moment = time.monotonic() + timeout
        wanted = identifier.strip()
        for field in _fields(wanted):
            found = self._having(field, wanted, last_moment)
            if len(found) == 1:
                return self._user(found[0], last_moment)
            if found:
                return None
        return None

    def probe(self, *, timeout: float) -> str:
        """
        Get a token, and look at users.

        Raises:
            Unusable: with the setting, or the role, that is wrong.
        """
        try:
            self._keycloak.get("/users", timeout=timeout, max="1")
        except Refused as refused:
            raise _explained(refused) from None
        except NoAnswer as none:
            remedy = f"start it, or correct {_SETTING}URL"
            raise Unusable(f"no answer: {none.why}", remedy, is_certain=False) from None
        return "shows users"

    def _having(self, field: str, value: str, last_moment: float) -> list[dict[str, Any]]:
        if field == "id":
            return self._with_id(value.lower(), last_moment)
        query = {field: value, "exact": "true", "briefRepresentation": "false", "max": str(_MOST)}
        found = self._keycloak.get("/users", timeout=last_moment - time.monotonic(), **query)
        if not isinstance(found, list):
            raise NoAnswer("the answer is no list of users")
        # Versions that do not know "exact" answer with everybody who has that in their name.
        return [
            user
            for user in found
            if isinstance(user, dict) and str(user.get(field, "")).casefold() == value.casefold()
        ]

    def _with_id(self, reference: str, last_moment: float) -> list[dict[str, Any]]:
        try:
            found = self._keycloak.get(f"/users/{reference}", timeout=last_moment - time.monotonic())
        except Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return []
            raise
        return [found] if isinstance(found, dict) else []

    def _user(self, found: dict[str, Any], last_moment: float) -> User:
        reference = str(found.get("id", ""))
        if not reference:
            raise NoAnswer("the user has no id")
        return User(
            reference=reference,
            address=found.get("email") or None,
            name=" ".join(filter(None, (found.get("firstName"), found.get("lastName")))),
            locale=_locale(found.get("attributes")),
            is_active=found.get("enabled") is True,
            is_verified=found.get("emailVerified") is True,
            stamp=self._stamp(reference, last_moment),
        )

    def _stamp(self, reference: str, last_moment: float) -> str:
        path = f"/users/{quote(reference, safe='')}/credentials"
        found = self._keycloak.get(path, timeout=last_moment - time.monotonic())
        return stamp_of(found)


def stamp_of(credentials: Any) -> str:
    """Return when the password among a user's *credentials* was set, as Keycloak writes it; else nothing."""
    for each in credentials if isinstance(credentials, list) else ():
        if isinstance(each, dict) and each.get("type") == "password":
            return str(each.get("createdDate", ""))
    return ""


def _fields(identifier: str) -> tuple[str, ...]:
    if _ID.fullmatch(identifier.lower()):
        return ("id", "username")
    return ("email", "username") if "@" in identifier else ("username",)


def _locale(attributes: Any) -> str | None:
    values = attributes.get("locale") if isinstance(attributes, dict) else None
    return str(values[0]) if isinstance(values, list) and values else None


def _explained(refused: Refused) -> Unusable:
    status, is_token = refused.status, refused.what == "token"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unusable(f"Keycloak answers {status}", "look into its log", is_certain=False)
    if is_token and status == HTTPStatus.NOT_FOUND:
        found = "there is no such realm at this address"
        return Unusable(found, f"correct {_SETTING}REALM or {_SETTING}URL (the old ones end in /auth)")
    if is_token:
        found = f"Keycloak gives this client no token ({status})"
        remedy = (
            f"correct {_SETTING}CLIENT_ID or its secret; the client needs client authentication and a "
            "service account"
        )
        return Unusable(found, remedy)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        found = f"Keycloak does not show users to this client ({status})"
        return Unusable(found, "give its service account the role view-users of the client realm-management")
    return Unusable(f"Keycloak answers {status}", f"correct {_SETTING}URL")
