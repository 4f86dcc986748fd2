"""Reading a request's body: never more of it than allowed, never for longer, and only JSON."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

from starlette.requests import ClientDisconnect

from producers.web import problems
from producers.web.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request

_JSON: Final = "application/json"
_CLOSE: Final = {"Connection": "close"}


class Buffers:
    """How much of the memory for bodies is taken; *total* is in bytes."""

    def __init__(self, total: int) -> None:
        self._free = total

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Lend a share, which is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self._free += share.size

    def take(self, size: int) -> None:
        """
        Take *size* bytes.

        Raises:
            Problem: there are not so many left.
        """
        if size > self._free:
            raise Problem(
                problems.BUSY,
                "too many large requests are under way; repeat this one in a few seconds",
                headers={"Retry-After": "5", **_CLOSE},
            )
        self._free -= size


class Share:
    """What one request has taken of the memory for bodies."""

    def __init__(self, buffers: Buffers) -> None:
        self._buffers = buffers
        self.size = 0

    def add(self, size: int) -> None:
        """Take *size* bytes more. Raises `Problem` as `Buffers.take`."""
        self._buffers.take(size)
        self.size += size


async def chunks(request: Request, share: Share, *, most: int, within: float) -> AsyncIterator[bytes]:
    """
    Yield the body as it comes.

    Raises:
        Problem: it has more than *most* bytes, or did not arrive *within* seconds.
    """
    deadline = asyncio.get_running_loop().time() + within
    size = 0
    more = True
    while more:
        try:
            async with asyncio.timeout_at(deadline):
                message = await request.receive()
        except TimeoutError:
            raise Problem(
                problems.SLOW, f"the body did not arrive within {within:g} seconds", headers=_CLOSE
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > most:
            raise Problem(
                problems.TOO_LARGE, f"the body has more than {most} bytes, which is the most", headers=_CLOSE
            )
        share.add(len(chunk))
        yield chunk


async def read(request: Request, share: Share, *, most: int, within: float) -> bytes:
    """Return the whole body. Raises `Problem` as `chunks`."""
    found = [chunk async for chunk in chunks(request, share, most=most, within=within)]
    return found[0] if len(found) == 1 else b"".join(found)


def require_json(request: Request) -> None:
    """
    Make sure that the body is said to be JSON.

    Raises:
        Problem: it is said to be something else, or nothing.
    """
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != _JSON:
        raise Problem(
            problems.MEDIA, f"send the body as {_JSON}", headers={"Accept-Post": _JSON, "Accept": _JSON}
        )
    name, _, charset = parameters.partition("=")
    if name.strip().lower() == "charset" and charset.strip(' "').lower() not in {"utf-8", "utf8"}:
        raise Problem(problems.MEDIA, "JSON is sent in UTF-8", headers={"Accept": _JSON})


def decode(body: bytes) -> object:
    """
    Return the value of a JSON text.

    Raises:
        Problem: it is none; says where, and repeats nothing of it.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse(f"byte {error.start + 1} is not UTF-8")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"line {error.lineno}, column {error.colno}: {error.msg}")
    except _Twice:
        _refuse("an object has two members of the same name")
    except RecursionError:
        _refuse("it is nested too deeply")
    except ValueError:
        _refuse("a number has too many digits")


class _Twice(ValueError):
    """Which of the two counts would be a matter of taste."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


def _no_number(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def _refuse(why: str) -> NoReturn:
    raise Problem(problems.MALFORMED, f"the body is no JSON: {why}") from None
