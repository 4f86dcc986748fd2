"""Asking a gateway for password resets, as `producers.password_reset.resets.Resets` asks the queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Self

from producers.errors import TooManyResets
from producers.over_http.address import parse_address, parse_key
from producers.over_http.line import Line
from producers.over_http.refusals import refusal
from producers.over_http.replies import Handed
from producers.over_http.tries import Ask
from tasks.contract.password_reset import DEFAULT_TEMPLATE, DEFAULT_TTL, parse_password_reset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from producers.over_http.replies import Reply

_RESETS: Final = "/v1/password-resets"
_JSON: Final = {"Content-Type": "application/json"}


class GatewayResets:
    """
    Asks for password resets through a gateway, with an API key that has the right to (`--resets`).

    ```
    resets = GatewayResets("https://post.example.org", key=…)
    mail_id = resets.for_user("ann", actor="ben", ticket="T-1042")
    ```

    What becomes of the reset of a specified user is polled with a `Mailer` of the same key; of that of a
    requester nobody is told over HTTP. Account and lane are the key's. Every method raises
    `QueueUnavailable` within seconds when the gateway or the queue is away, and may raise `KeyRejected`,
    `NotAllowed`, `RateLimited` and `GatewayError`.

    Raises:
        ValueError: the URL or the key cannot be used; neither is shown.
    """

    def __init__(self, url: str, *, key: str | SecretStr) -> None:
        self._line = Line(parse_address(url), parse_key(key))

    def for_user(  # noqa: PLR0913 - the inputs of the workflow
        self,
        user: str,
        *,
        actor: str,
        reason: str | None = None,
        ticket: str | None = None,
        ttl: int = DEFAULT_TTL,
        template: str = DEFAULT_TEMPLATE,
        locale: str = "en",
        idempotency_key: str | None = None,
    ) -> str:
        """
        Ask for the reset of a specified user's password, on behalf of *actor*, and return the mail's id.

        Raises:
            InvalidInput: with every error of every field.
            TooManyResets: for this user, or by this actor, within the last hour.
            IdempotencyConflict: the key or the ticket belongs to a reset with other parameters.
        """
        asked = {
            "user": user,
            "actor": actor,
            "reason": reason,
            "ticket": ticket,
            "ttl": ttl,
            "template": template,
            "locale": locale,
        }
        parse_password_reset({"workflow": "specified", **asked, "idempotency_key": idempotency_key})
        more = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        # A repeat by the same actor is the same reset, with a ticket or a key for longer than ten minutes.
        return self._ask("users", asked, more, is_repeatable=True)

    def for_requester(self, identifier: str, *, source: str, locale: str = "en") -> str:
        """
        Take a request from a public form in, and return an opaque id; it is the same for whoever asks.

        A request whose answer is lost is not repeated: it would count twice.

        Raises:
            InvalidInput: with every error of every field.
        """
        parse_password_reset({"workflow": "requester", "user": identifier, "locale": locale})
        asked = {"user": identifier, "source": source, "locale": locale}
        return self._ask("requests", asked, {}, is_repeatable=False)

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self, which: str, asked: Mapping[str, Any], headers: Mapping[str, str], *, is_repeatable: bool
    ) -> str:
        body = json.dumps({name: value for name, value in asked.items() if value is not None})
        options = {"content": body.encode(), "headers": {**_JSON, **headers}}
        reply = self._line.ask(Ask("POST", f"{_RESETS}/{which}", options, is_repeatable=is_repeatable))
        if reply.problem:
            raise _refused(reply)
        return reply.read(Handed).id


def _refused(reply: Reply) -> Exception:
    problem = reply.problem
    if problem is None or problem.kind != "too-many-resets":
        return refusal(reply)
    return TooManyResets("actor" if "this actor" in problem.detail else "user", reply.retry_after)
