"""Kept HTTP connections to one gateway, each lent to one thread at a time."""

from __future__ import annotations

import http.client
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from producers.integrations.failures import Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Connections that are kept while nobody needs them.
_KEPT: Final = 8
_EXPECTED: Final = "must be such as https://post.example.com, without a path behind the host's"


class Answer(NamedTuple):
    """What the gateway said; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """Connections to the gateway at *url*, of which no step may take more than *patience* seconds."""

    def __init__(self, url: str, *, patience: float) -> None:
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname, parts.port
        except ValueError:
            raise Misconfigured(f"gateway_url: is no URL; {_EXPECTED}") from None
        if parts.scheme not in {"http", "https"} or not self._host or parts.query or parts.username:
            raise Misconfigured(f"gateway_url: is no URL of a gateway; {_EXPECTED}")
        # HTTPS verifies certificate and name, with Python's own defaults.
        is_https = parts.scheme == "https"
        self._kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        self._path = parts.path.rstrip("/")
        self._patience = patience
        self._kept: deque[http.client.HTTPConnection] = deque()

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """
        Return the answer to a request that may be repeated.

        Raises:
            Unavailable: there was none.
        """
        try:
            kept = self._kept.pop()
        except IndexError:
            kept = None
        try:
            if kept is not None:
                try:
                    return self._ask(kept, method, path, body, headers)
                except (ConnectionError, http.client.BadStatusLine):
                    # The gateway closes connections that were quiet for a while.
                    pass
            return self._ask(self._new(), method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"the gateway cannot be reached ({type(error).__name__})") from error

    def close(self) -> None:
        """Close what is kept."""
        while self._kept:
            self._kept.pop().close()

    def _new(self) -> http.client.HTTPConnection:
        return self._kind(self._host or "", self._port, timeout=self._patience)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            connection.request(method, self._path + path, body, dict(headers))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, fields, response.read())
        except BaseException:
            connection.close()
            raise
        if response.will_close or len(self._kept) >= _KEPT:
            connection.close()
        else:
            self._kept.append(connection)
        return answer
