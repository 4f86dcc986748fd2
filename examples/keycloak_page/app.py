"""
The page behind signed links, for users of Keycloak: whoever has a link chooses a password there.

Its client needs a service account with the role `manage-users` of `realm-management`; the worker's does not.

    flask --app examples/keycloak_page/app.py run --port 8001
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from flask import Flask, render_template, request
from pydantic import SecretStr

from producers.password_reset.resets import Resets
from tasks.password_reset.adapters.keycloak import stamp_of
from tasks.password_reset.adapters.signed_links import SignedLinks

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def _first_line(name: str) -> str:
    return Path(os.environ[name]).read_text(encoding="utf-8").split("\n", 1)[0].strip()


SERVER, REALM = os.environ["PAGE_KEYCLOAK_URL"], os.environ["PAGE_KEYCLOAK_REALM"]
CLIENT = os.environ["PAGE_KEYCLOAK_CLIENT_ID"]

app = Flask(__name__)
links = SignedLinks(os.environ["PAGE_LINK_BASE"], SecretStr(_first_line("PAGE_LINK_SECRET_FILE")))
resets = Resets(os.environ["POSTROOM_BROKER_URL"])
#: Which links were used. Several processes need a place that they share, such as a table of nonces.
used: set[str] = set()


class Users:
    """The users of the realm, with a token for this request."""

    def __init__(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": _first_line("PAGE_KEYCLOAK_CLIENT_SECRET_FILE"),
        }
        answer = httpx.post(f"{SERVER}/realms/{REALM}/protocol/openid-connect/token", data=form)
        self._headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}

    def stamp(self, user: str) -> str:
        """Return when the user's password was set."""
        return stamp_of(self._ask("GET", user, "credentials").raise_for_status().json())

    def set_password(self, user: str, password: str) -> str | None:
        """Set the user's password; return why the realm's policy does not allow it, None where it does."""
        content = {"type": "password", "value": password, "temporary": False}
        answer = self._ask("PUT", user, "reset-password", json=content)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            return str(answer.json().get("error_description", "Please choose another password."))
        answer.raise_for_status()
        return None

    def _ask(self, method: str, user: str, what: str, **sent: Any) -> httpx.Response:
        url = f"{SERVER}/admin/realms/{REALM}/users/{user}/{what}"
        return httpx.request(method, url, headers=self._headers, **sent)


@app.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> ResponseReturnValue:
    """Show the form, or set the password that was typed into it."""
    claims = links.read(token)
    users = Users() if claims else None
    # A link dies with the password that it was made for, and when it was used.
    if not claims or not users or claims["nonce"] in used or claims["stamp"] != users.stamp(claims["user"]):
        return _page(state="dead"), 410
    if request.method == "GET":
        return _page(state="form")
    password = request.form.get("password", "")
    if password != request.form.get("again"):
        return _page(state="form", problem="The two are not the same."), 400
    if problem := users.set_password(claims["user"], password):
        return _page(state="form", problem=problem), 400
    used.add(claims["nonce"])
    resets.completed(claims["user"])
    return _page(state="done")


@app.errorhandler(httpx.HTTPError)
def away(_: httpx.HTTPError) -> ResponseReturnValue:
    """Say that it does not work now; the link stays good."""
    return _page(state="away"), 503


@app.after_request
def keep_the_link_to_ourselves(answer: Any) -> Any:
    """Let neither caches nor other sites learn the address of this page."""
    answer.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    return answer


def _page(*, state: str, problem: str = "") -> str:
    return render_template("reset.html", state=state, problem=problem)
