"""
A realm of Keycloak, as far as password resets ask it: tokens, users, their credentials, a new password.

Written from Keycloak's documentation and source (26.x: UsersResource, UserResource, the OpenID Connect token
endpoint), not recorded from a running one.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

REALM = "shop"
CLIENT = "postroom"
SECRET = "canary-keycloak-secret"

ANN: dict[str, Any] = {
    "id": "8f2f0d0e-43a1-4f0a-9d0b-3f6a2c1b7e55",
    "username": "ann",
    "firstName": "Ann",
    "lastName": "Ofori",
    "email": "ann@example.org",
    "emailVerified": True,
    "createdTimestamp": 1700000000000,
    "enabled": True,
    "totp": False,
    "disableableCredentialTypes": [],
    "requiredActions": [],
    "notBefore": 0,
    "attributes": {"locale": ["de"]},
    "access": {"manageGroupMembership": False, "view": True, "manage": False},
}
ANNABEL = {**ANN, "id": "0b", "username": "annabel", "email": "annabel@example.org", "attributes": {}}


@dataclass
class KeycloakServer:
    """The realm, and what it was asked; *drip* is a pause before each byte of an answer."""

    users: list[dict[str, Any]] = field(default_factory=lambda: [dict(ANN), dict(ANNABEL)])
    passwords: dict[str, int] = field(default_factory=lambda: {ANN["id"]: 1700000000001})
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT: SECRET})
    shows_users: bool = True
    knows_exact: bool = True
    lifetime: int = 300
    status: int = 0
    body: bytes | None = None
    drip: float = 0.0
    tokens: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    chosen: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        realm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                _answer(self, realm, realm.token(_content(self)))

            def do_GET(self) -> None:
                _answer(self, realm, realm.get(self.path, self.headers.get("Authorization", "")))

            def do_PUT(self) -> None:
                token = self.headers.get("Authorization", "")
                _answer(self, realm, realm.put(self.path, token, _content(self)))

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def revoke(self) -> None:
        """Take no token any more that was given so far."""
        self.tokens.clear()

    def token(self, form: str) -> tuple[int, Any]:
        self.asked.append("token")
        given = {name: values[0] for name, values in parse_qs(form).items()}
        if self.clients.get(given.get("client_id", "")) != given.get("client_secret", ""):
            told = "Invalid client or Invalid client credentials"
            return 401, {"error": "invalid_client", "error_description": told}
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        self.tokens.append(f"token-{len(self.asked)}")
        return 200, {
            "access_token": self.tokens[-1],
            "expires_in": self.lifetime,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": "email profile",
        }

    def get(self, path: str, authorization: str) -> tuple[int, Any]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(f"GET {parts.path.removeprefix(f'/admin/realms/{REALM}')}")
        if refusal := self._refusal(authorization):
            return refusal
        where = parts.path.removeprefix(f"/admin/realms/{REALM}/users")
        if not where:
            return 200, self._search(query)
        reference, _, rest = where.removeprefix("/").partition("/")
        known = {user["id"]: user for user in self.users}
        if reference not in known:
            return 404, {"error": "User not found"}
        if not rest:
            return 200, known[reference]
        created = self.passwords.get(reference)
        held = [{"id": "c1", "type": "otp", "createdDate": 1}]
        if created:
            held.append({"id": "c2", "type": "password", "createdDate": created, "credentialData": "{}"})
        return 200, held

    def put(self, path: str, authorization: str, content: str) -> tuple[int, Any]:
        if refusal := self._refusal(authorization):
            return refusal
        user, password = path.split("/")[-2], json.loads(content)["value"]
        if len(password) < 8:
            told = "Invalid password: minimum length 8."
            return 400, {"error": "invalidPasswordMinLengthMessage", "error_description": told}
        self.chosen[user] = password
        self.passwords[user] = round(time.time() * 1000)
        return 204, None

    def _refusal(self, authorization: str) -> tuple[int, Any] | None:
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "HTTP 401 Unauthorized"}
        return None if self.shows_users else (403, {"error": "HTTP 403 Forbidden"})

    def _search(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = self.users
        for name in ("email", "username"):
            if wanted := query.get(name, "").lower():
                is_exact = self.knows_exact and query.get("exact") == "true"
                found = [
                    user
                    for user in found
                    if (user[name].lower() == wanted if is_exact else wanted in user[name].lower())
                ]
        return found[: int(query.get("max", "100"))]


def _content(handler: BaseHTTPRequestHandler) -> str:
    return handler.rfile.read(int(handler.headers.get("Content-Length", "0"))).decode()


def _answer(handler: BaseHTTPRequestHandler, realm: KeycloakServer, answer: tuple[int, Any]) -> None:
    status, document = answer
    if not handler.path.startswith((f"/realms/{REALM}/", f"/admin/realms/{REALM}/")):
        status, document = 404, {"error": "Realm does not exist"}
    body = (
        realm.body if realm.body is not None else b"" if document is None else json.dumps(document).encode()
    )
    handler.send_response(realm.status or status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with suppress(OSError):
        for byte in body if realm.drip else ():
            handler.wfile.write(bytes([byte]))
            time.sleep(realm.drip)
        handler.wfile.write(b"" if realm.drip else body)
