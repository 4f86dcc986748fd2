"""Who asks: the dependency that every router with a caller has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from producers.web import problems
from producers.web.gateway import gateway_of
from producers.web.keys import Key
from producers.web.problems import Problem

if TYPE_CHECKING:
    from producers.web.rates import Allowance


async def caller(request: Request) -> Key:
    """Return the key that *request* comes with. Raises `Problem` as `key_of`."""
    return key_of(request)


def key_of(request: Request) -> Key:
    """
    Return the key that *request* comes with.

    Raises:
        Problem: it comes with none that is valid.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = gateway_of(request).keyring.find(token.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise Problem(
            problems.UNAUTHORIZED,
            "send the header Authorization: Bearer <API key>; `postroom key create` makes a key",
            headers={"WWW-Authenticate": 'Bearer realm="postroom"'},
        )
    note(request, key=key.id)
    return key


Caller = Annotated[Key, Depends(caller)]


def note(request: Request, **facts: object) -> None:
    """Have the request's line in the log say *facts*: ids and numbers, never what a mail says."""
    request.scope["state"].setdefault("log", {}).update(facts)


def counted(request: Request, allowance: Allowance) -> dict[str, str]:
    """Return the header fields that tell what is left of the key's allowance; errors tell it too."""
    headers = allowance.headers()
    request.scope["state"]["rate"] = headers
    return headers
