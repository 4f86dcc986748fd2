"""What the pages share, beside the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.web.pages.attempts import Attempts
from producers.web.pages.sessions import Sessions

if TYPE_CHECKING:
    from redis import Redis
    from starlette.requests import Request

    from producers.web.inbox.folder import Folder


@dataclass(frozen=True, slots=True)
class Pages:
    """Who is signed in, who tries to, and the caught mails where this is development."""

    sessions: Sessions
    attempts: Attempts
    inbox: Folder | None = None

    @classmethod
    def over(cls, redis: Redis, *, inbox: Folder | None = None) -> Pages:
        """Return pages whose sessions are in *redis*."""
        return cls(Sessions(redis), Attempts(redis), inbox)


def pages_of(request: Request) -> Pages:
    """Return the pages that *request* came to."""
    found: Pages = request.app.state.pages
    return found
