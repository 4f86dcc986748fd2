"""Asking over HTTP: within a time that is never exceeded, and only for answers that fit into memory."""

from __future__ import annotations

import json
import logging
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from tasks.password_reset.ports import Unreachable

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of the longest answer.
_LONGEST: Final = 64 * 1024
#: Their lines have the addresses that are asked, with whom they are asked for, and headers with tokens.
_TALKATIVE: Final = ("httpx", "httpcore")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NoAnswer(Unreachable):
    """Nothing usable came back; *why* is for operators and names nobody."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; *is_json* is what its header says."""

    status: int
    is_json: bool
    body: bytes = field(repr=False)

    def document(self) -> Any:
        """
        Return the JSON value of the body.

        Raises:
            NoAnswer: it has none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise NoAnswer("the answer is no JSON") from None


class Asker:
    """
    Asks HTTP servers whose certificates the system vouches for, or those of *ca_file*.

    Raises:
        ValueError: the file has no certificates.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        context = ssl.create_default_context()
        if ca_file is not None:
            try:
                context.load_verify_locations(ca_file)
            except (OSError, ssl.SSLError):
                raise ValueError(f"{ca_file} holds no certificates that can be read (PEM)") from None
        # Redirects are not followed: what is sent along is for this host.
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx.Client(follow_redirects=False, trust_env=False, verify=context)

    def ask(self, method: str, url: str, *, timeout: float, **sent: Any) -> Answer:
        """
        Return the answer within *timeout* seconds, however slowly it comes.

        Raises:
            NoAnswer: none came, or one that is too long.
        """
        last_moment = time.monotonic() + timeout
        try:
            with self._client.stream(method, url, timeout=max(timeout, 0.001), **sent) as response:
                body = _read(response, last_moment)
        except httpx.TimeoutException:
            raise NoAnswer("no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, kind == "application/json" or kind.endswith("+json"), body)


def check_address(url: str, what: str) -> str:
    """
    Return *url*, where secrets may be sent to it.

    Raises:
        ValueError: it is no https:// address (http is for this machine only).
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    is_safe = host and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))
    if not is_safe:
        raise ValueError(f"{what} must be an https:// address; http is for this machine only")
    return url


def _read(response: httpx.Response, last_moment: float) -> bytes:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _LONGEST:
            raise NoAnswer(f"the answer is longer than {_LONGEST} bytes")
        if time.monotonic() > last_moment:
            raise NoAnswer("no whole answer in time")
    return body
