"""One request to an OAuth token endpoint (RFC 6749, section 3.2)."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, NoReturn

from pydantic import SecretStr

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Reply, TransientFailure
from tasks.patience import Patience
from tasks.smtp.faults import time_over
from tasks.smtp.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tasks.deadline import Deadline

_LONGEST_ANSWER: Final = 64 * 1024
_LONGEST_SILENCE: Final = 10.0
_USUAL_LIFETIME: Final = 3600.0
_TOO_MANY_REQUESTS, _FIRST_SERVER_ERROR = 429, 500
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HINT: Final = "Check the account's client id, client secret, scope and token endpoint."

# The error's name alone is told; its description may echo what was sent.
_ERROR_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_patience: Final = Patience()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, which would carry the client's secret to another place."""

    def redirect_request(self, *_: object) -> None:
        return None


def is_safe(url: str) -> bool:
    """Whether secrets may be sent to *url*: it is https, or on this very machine."""
    parts = urllib.parse.urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)


def request_token(url: str, form: Mapping[str, str], deadline: Deadline) -> tuple[Token, str | None]:
    """
    Return the access token that *url* gives for *form*, and the new refresh token where it sent one.

    Raises:
        Failure: it gives none, for now or for good; the text holds nothing of *form*.

    """
    if not is_safe(url):
        raise PermanentFailure(_reply("The token endpoint is no https URL."), Phase.AUTH, hint=_HINT)
    timeout = min(max(deadline.remaining, 0.001), _LONGEST_SILENCE)
    try:
        answer = _patience.call((url, *sorted(form.items())), lambda: _post(url, form, timeout), deadline)
    except urllib.error.HTTPError as error:
        _refuse(error)
    except TimeoutError as error:
        raise time_over(Phase.AUTH, "the token endpoint") from error
    except (OSError, HTTPException, ValueError) as error:
        text = f"The token endpoint could not be asked ({type(error).__name__})."
        raise TransientFailure(_reply(text), Phase.AUTH) from None
    return _token(answer)


def _post(url: str, form: Mapping[str, str], timeout: float) -> Any:
    body = urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, body, {"Accept": "application/json"})  # noqa: S310  # checked by is_safe
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=timeout) as response:
        return json.loads(response.read(_LONGEST_ANSWER))


def _token(answer: Any) -> tuple[Token, str | None]:
    value = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise TransientFailure(_reply("The token endpoint's answer holds no token."), Phase.AUTH)
    try:
        lifetime = float(answer.get("expires_in", _USUAL_LIFETIME))
    except (TypeError, ValueError):
        lifetime = _USUAL_LIFETIME
    renewed = answer.get("refresh_token")
    return Token(SecretStr(value), lifetime), renewed if isinstance(renewed, str) and renewed else None


def _refuse(error: urllib.error.HTTPError) -> NoReturn:
    with error:
        text = f"The token endpoint refused with HTTP {error.code}{_error_name(error)}."
        raise _refusal(error.code, text, error.headers.get("Retry-After")) from None


def _refusal(status: int, text: str, pause: str | None) -> Failure:
    if status == _TOO_MANY_REQUESTS or status >= _FIRST_SERVER_ERROR:
        seconds = float(pause) if pause and pause.isdigit() else None
        return TransientFailure(_reply(text), Phase.AUTH, retry_after=seconds)
    return PermanentFailure(_reply(text), Phase.AUTH, hint=_HINT)


def _error_name(error: urllib.error.HTTPError) -> str:
    try:
        name = json.loads(error.read(_LONGEST_ANSWER))["error"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""
    return f": {name}" if isinstance(name, str) and _ERROR_NAME.fullmatch(name) else ""


def _reply(text: str) -> Reply:
    return Reply(LocalCode.LOGIN_IMPOSSIBLE, text)
