"""A directory and an issuer behind HTTP: an identity provider, or a small service in front of one."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from tasks.password_reset.adapters.rows import REQUIRED, user_of
from tasks.password_reset.ports import Unreachable

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.password_reset.ports import User

#: Bytes of the longest answer.
_LONGEST: Final = 64 * 1024
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Endpoint:
    """
    Where something is asked for with a JSON object, and a bearer token read anew from *token_file* each time.

    Raises:
        ValueError: *url* is no https:// address (http is for this machine only).
    """

    def __init__(self, url: str, token_file: Path | None = None) -> None:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not parts.hostname or not is_safe:
            raise ValueError("the endpoint must be an https:// address; http is for this machine only")
        self._url = url
        self._token_file = token_file
        # Redirects are not followed: the token is for this host.
        self._client = httpx.Client(follow_redirects=False, trust_env=False)

    def ask(self, question: dict[str, Any], *, timeout: float) -> dict[str, Any] | None:
        """
        Return the answer, None for 404, within *timeout* seconds however slowly it comes.

        Raises:
            Unreachable: no whole answer came, or one that is neither 200 with an object nor 404.
        """
        last_moment = time.monotonic() + timeout
        try:
            with self._client.stream(
                "POST", self._url, json=question, headers=self._headers(), timeout=timeout
            ) as response:
                if response.status_code == HTTPStatus.NOT_FOUND:
                    return None
                if response.status_code != HTTPStatus.OK:
                    raise Unreachable
                return _read(response, last_moment)
        except (httpx.HTTPError, OSError, ValueError, RecursionError):
            raise Unreachable from None

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        token = self._token_file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
        return {"Authorization": f"Bearer {token}"}


class HttpDirectory:
    """
    Users from an endpoint that is posted `{"identifier": …}`.

    It answers 200 with an object that has the columns of `rows.COLUMNS`, or 404 where there is nobody.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def lookup(self, identifier: str, *, timeout: float) -> User | None:
        """
        Return the user.

        Raises:
            Unreachable: the endpoint gave no usable answer in time.
        """
        found = self._endpoint.ask({"identifier": identifier}, timeout=timeout)
        if found is None:
            return None
        if any(name not in found for name in REQUIRED):
            raise Unreachable
        return user_of(found)


class HttpIssuer:
    """Links from an endpoint that is posted `{"user": …, "ttl": …}` and answers 200 with `{"link": …}`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def issue(self, user: User, ttl: int, *, timeout: float) -> SecretStr:
        """
        Return the link.

        Raises:
            Unreachable: the endpoint gave no link in time.
        """
        found = self._endpoint.ask({"user": user.reference, "ttl": ttl}, timeout=timeout)
        link = found.get("link") if found else None
        if not isinstance(link, str):
            raise Unreachable
        return SecretStr(link)


def _read(response: httpx.Response, last_moment: float) -> dict[str, Any]:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _LONGEST or time.monotonic() > last_moment:
            raise Unreachable
    found = json.loads(body)
    if not isinstance(found, dict):
        raise Unreachable
    return found
