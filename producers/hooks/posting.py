"""Posting one delivery to its receiver: within a time, to a checked address, reading next to nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from producers.hooks.addresses import Forbidden, Unresolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from producers.hooks.addresses import Addresses

#: Bytes of an answer that are read, and seconds that they may take once its status is known.
_EXCERPT: Final = 512
_READING: Final = 1.0
#: Addresses of a name that are tried.
_MOST_ADDRESSES: Final = 3
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Postroom-Webhooks/1",
    "Accept": "*/*",
    # What is read is shown as it came: nothing is unpacked.
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    What came of one post: the receiver's *status*, or the *error* for which there is none.

    *excerpt* is the beginning of the answer; *retry_after* are the seconds that the receiver asks for.
    """

    at: float
    seconds: float
    status: int | None = None
    error: str | None = None
    excerpt: str = ""
    retry_after: float | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 (2xx)

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == _GONE


class Poster:
    """
    Posts to receivers; a whole attempt takes *timeout* seconds at most.

    Each attempt has a connection of its own: one that is kept would be to an address that was checked long
    ago, and pools know connections by their address, which two receivers may share. No redirect is followed,
    and no proxy of the environment asked, which would not know what was checked.
    """

    def __init__(self, addresses: Addresses, *, timeout: float) -> None:
        self._addresses = addresses
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            # SSL_CERT_FILE and SSL_CERT_DIR name authorities of one's own.
            verify=httpx.create_ssl_context(trust_env=True),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Post *body* to *url*, and say what came of it; whatever goes wrong is part of the answer."""
        at, began = time.time(), time.monotonic()
        answer = _Answer()
        try:
            async with asyncio.timeout(self._timeout):
                await self._post(url, body, {**_HEADERS, **headers}, answer)
        except TimeoutError:
            answer.error = answer.error or "timeout"
        except Unresolved:
            answer.error = "name not resolved"
        except Forbidden:
            answer.error = "address not allowed"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            answer.error = _kind_of(error)
        if answer.status:
            answer.error = None
        seconds = time.monotonic() - began
        return Attempt(at, seconds, answer.status, answer.error, answer.excerpt, answer.retry_after)

    async def close(self) -> None:
        """Close whatever is open."""
        await self._client.aclose()
        self._addresses.close()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], answer: _Answer) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = (await self._addresses.of(host, port))[:_MOST_ADDRESSES]
        # None of them may use up the time of the others.
        patience = httpx.Timeout(self._timeout, connect=self._timeout / max(1, len(addresses)))
        for number, address in enumerate(addresses, start=1):
            request = self._client.build_request(
                "POST",
                httpx.URL(url).copy_with(host=address),
                content=body,
                headers={"Host": parts.netloc, **headers},
                timeout=patience,
                extensions={"sni_hostname": host},
            )
            try:
                await self._ask(request, answer)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return

    async def _ask(self, request: httpx.Request, answer: _Answer) -> None:
        response = await self._client.send(request, stream=True)
        try:
            answer.status = response.status_code
            answer.retry_after = _seconds(response.headers.get("retry-after", ""))
            # The status decides; an answer that drips is not waited for.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(_READING):
                    answer.excerpt = await _beginning(response)
        finally:
            await response.aclose()


@dataclass(slots=True)
class _Answer:
    """What is known of an answer so far."""

    status: int | None = None
    error: str | None = None
    excerpt: str = ""
    retry_after: float | None = None


async def _beginning(response: httpx.Response) -> str:
    found = b""
    async for chunk in response.aiter_raw(_EXCERPT):
        found += chunk
        if len(found) >= _EXCERPT:
            break
    text = found[:_EXCERPT].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _seconds(text: str) -> float | None:
    # The other form, a date, would have to be compared with a clock that is not ours.
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None  # noqa: PLR2004 (a week)


def _kind_of(error: Exception) -> str:
    """Return what went wrong in words of ours: a library's text may repeat the address."""
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        is_tls = any("ssl" in type(each).__module__ for each in _causes(error))
        return "tls failed" if is_tls or "SSL" in str(error) else "no connection"
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProtocolError):
        return "no http answer"
    return "connection lost" if isinstance(error, (httpx.NetworkError, OSError)) else "not posted"


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
