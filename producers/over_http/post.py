"""The post that is a gateway, reached over HTTP."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from producers.batches import hand_in_each
from producers.errors import AlreadyOnItsWay, GatewayError, MailNotFound
from producers.over_http.address import parse_address, parse_key
from producers.over_http.holding import holding
from producers.over_http.line import Line
from producers.over_http.refusals import refusal, refused, too_large
from producers.over_http.replies import Handed, Outcomes, Standing, Stored
from producers.over_http.tries import LONGEST, Ask, seconds_for
from tasks.contract.errors import InvalidInput
from tasks.contract.status import MailStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pydantic import SecretStr

    from producers.batches import Answer, HandedIn, Message
    from producers.over_http.replies import Outcome, Reply
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail
    from tasks.contract.result import SendEmailResult

_EMAILS: Final = "/v1/emails"
_JSON: Final = {"Content-Type": "application/json"}
#: What ids are made of; one of anything else is asked for nowhere.
_ID: Final = re.compile(r"[\w-]{1,255}", re.ASCII)
#: Seconds for which a part of many mails waits until the API key has an allowance for it.
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Mails as JSON text, each with an idempotency key, and where they go."""

    mails: Sequence[str]
    options: dict[str, Any]

    def halves(self) -> tuple[_Parcel, _Parcel]:
        middle = len(self.mails) // 2
        return _Parcel(self.mails[:middle], self.options), _Parcel(self.mails[middle:], self.options)


class HttpPost:
    """
    Hands mails to a gateway with an API key.

    Each mail without an idempotency key gets one, so that it is safe to repeat a request whose answer was
    lost: the repeat finds what the first one did.

    Raises:
        ValueError: the URL or the key cannot be used; neither is repeated.
    """

    def __init__(self, url: str, key: str | SecretStr | None) -> None:
        self._line = Line(parse_address(url), parse_key(key))

    def hand_in(
        self, requests: Sequence[SendEmail], *, lane: Lane, send_at: datetime | None = None
    ) -> list[Answer]:
        """Hand mails in with one request."""
        return self._deliver(_parcel(requests, lane, send_at), patience=0.0)

    def hand_in_each(
        self, messages: Iterable[Message], *, lane: Lane, send_at: datetime | None = None
    ) -> Iterator[HandedIn]:
        """Do the same for mails as they come; each part may wait for the API key's allowance."""
        return hand_in_each(
            messages,
            prepare=lambda requests: _parcel(requests, lane, send_at),
            deliver=lambda parcel: self._deliver(parcel, patience=_PATIENCE),
        )

    def poll(self, mail_id: str) -> MailStatus:
        """Ask where the mail stands."""
        return _status(mail_id, self._line.ask(_look(mail_id, hold=0.0)))

    def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:
        """Have the gateway hold its answer back until there is a result."""
        steps = holding(timeout)
        step = next(steps)
        try:
            while True:
                time.sleep(step.pause)
                step = steps.send(_status(mail_id, self._line.ask(_look(mail_id, hold=step.hold))))
        except StopIteration as done:
            return cast("SendEmailResult", done.value)

    async def wait_in_loop(self, mail_id: str, *, timeout: float) -> SendEmailResult:  # noqa: ASYNC109 (Mailer's)
        """Do the same in an event loop."""
        steps = holding(timeout)
        step = next(steps)
        try:
            while True:
                await asyncio.sleep(step.pause)
                reply = await self._line.ask_in_loop(_look(mail_id, hold=step.hold))
                step = steps.send(_status(mail_id, reply))
        except StopIteration as done:
            return cast("SendEmailResult", done.value)

    def cancel(self, mail_id: str) -> MailStatus:
        """Cancel the mail if it waits, and return where it stands then."""
        reply = self._line.ask(Ask("DELETE", _path(mail_id), {}))
        kind = reply.problem.kind if reply.problem else ""
        if kind == "already-on-its-way":
            raise AlreadyOnItsWay(self.poll(mail_id))
        return self.poll(mail_id) if kind == "already-settled" else _status(mail_id, reply)

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> MailStatus:
        """Send a settled mail again, or raise why not; that is no request to repeat."""
        body = request.written().payload.encode()
        options = {"content": body, "headers": _JSON, "params": {"force": "true" if force else "false"}}
        path = f"{_path(mail_id)}/resend"
        reply = self._line.ask(Ask("POST", path, options, seconds_for(len(body)), is_repeatable=False))
        if reply.problem and reply.problem.kind == "already-on-its-way":
            raise AlreadyOnItsWay(self.poll(mail_id))
        return _status(mail_id, reply)

    def store(self, content: bytes, *, name: str) -> str:
        """Store bytes with the gateway, which need not know what they are called."""
        options = {"files": {"file": ("content", content, "application/octet-stream")}}
        reply = self._line.ask(Ask("POST", "/v1/attachments", options, seconds_for(len(content))))
        if reply.problem and reply.problem.kind == "too-large":
            raise InvalidInput((too_large(reply.problem),))
        stored = _accepted(reply).read(Stored).reference
        return f"{stored.partition('/')[0]}/{name}"

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def _deliver(self, parcel: _Parcel, *, patience: float) -> list[Answer]:
        if not parcel.mails:
            return []
        if len(parcel.mails) == 1:
            return [self._deliver_one(parcel, patience)]
        body = f"[{','.join(parcel.mails)}]".encode()
        reply = self._hand(f"{_EMAILS}/batch", body, parcel, patience)
        if _is_too_much(reply):
            # The gateway takes less at a time, and has taken none of these.
            return [answer for half in parcel.halves() for answer in self._deliver(half, patience=patience)]
        outcomes = _outcomes(reply)
        if len(outcomes) != len(parcel.mails):
            raise GatewayError("the gateway did not answer for each mail; what became of them is not known")
        return [_answer(outcome) for outcome in outcomes]

    def _deliver_one(self, parcel: _Parcel, patience: float) -> Answer:
        reply = self._hand(_EMAILS, parcel.mails[0].encode(), parcel, patience)
        why = refused(reply.problem) if reply.problem else None
        return why or _accepted(reply).read(Handed).id

    def _hand(self, path: str, body: bytes, parcel: _Parcel, patience: float) -> Reply:
        options = {"content": body, "headers": _JSON, "params": parcel.options}
        return self._line.ask(Ask("POST", path, options, seconds_for(len(body)), patience))


def _parcel(requests: Sequence[SendEmail], lane: Lane, send_at: datetime | None) -> _Parcel:
    options = {"lane": lane.value} | ({"send_at": send_at.isoformat()} if send_at else {})
    return _Parcel([_keyed(request).written().payload for request in requests], options)


def _keyed(request: SendEmail) -> SendEmail:
    if request.idempotency_key is not None:
        return request
    return request.model_copy(update={"idempotency_key": uuid.uuid4().hex})


def _look(mail_id: str, *, hold: float) -> Ask:
    options = {"params": {"wait": f"{hold:.2f}"}} if hold else {}
    return Ask("GET", _path(mail_id), options, LONGEST + hold, holds=hold > 0)


def _path(mail_id: str) -> str:
    if not _ID.fullmatch(mail_id):
        raise MailNotFound(mail_id)
    return f"{_EMAILS}/{quote(mail_id)}"


def _accepted(reply: Reply, mail_id: str = "") -> Reply:
    """Return *reply* if it is a success, else raise what it refuses."""
    if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's
        raise refusal(reply, mail_id)
    return reply


def _status(mail_id: str, reply: Reply) -> MailStatus:
    found = _accepted(reply, mail_id).read(Standing)
    return MailStatus(
        mail_id=mail_id, state=found.state, code=found.code, message=found.message, result=found.result
    )


def _is_too_much(reply: Reply) -> bool:
    """Whether it says that a batch has more mails, or more bytes, than the gateway takes at a time."""
    problem = reply.problem
    if problem is None or problem.outcomes is not None:
        return False
    is_long = problem.kind == "invalid-input" and [wrong.pointer for wrong in problem.errors] == [""]
    return is_long or problem.kind == "too-large"


def _outcomes(reply: Reply) -> tuple[Outcome, ...]:
    # Where none was accepted the answer is a problem, with the same outcomes.
    if reply.problem and reply.problem.outcomes is not None:
        return reply.problem.outcomes
    return _accepted(reply).read(Outcomes).outcomes


def _answer(outcome: Outcome) -> Answer:
    if outcome.email:
        return outcome.email.id
    why = refused(outcome.problem) if outcome.problem else None
    if why is None:
        raise GatewayError("the gateway did not say what became of a mail")
    return why
