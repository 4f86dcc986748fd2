"""Handing mails in over HTTP: what the gateway accepts is kept, and sealed where it has a key."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from producers.integrations.answers import Status
from producers.integrations.connections import Connections
from producers.integrations.failures import Misconfigured, NoSuchMail, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from producers.integrations.connections import Answer
    from producers.integrations.mails import File, Letter

#: Mails, and bytes of JSON, that share a request.
_MAILS: Final = 100
_BYTES: Final = 2 * 1024 * 1024
#: Seconds for which the gateway may hold back an answer, within what a request may take.
_LONGEST_HOLD: Final = 5.0
_FIRST_PAUSE: Final = 0.2
#: What another try may change.
_PASSING: Final = frozenset({408, 429, 502, 503, 504})
_JSON: Final = "application/json"


class OverHTTP:
    """
    Speaks to the gateway at *gateway_url* with an API key.

    Handing in takes at most about *patience* seconds a request, waiting out the key's rate included. Each
    mail has an idempotency key, so that a request whose answer was lost is repeated and sends nothing twice.
    """

    def __init__(self, gateway_url: str, api_key: str, *, patience: float) -> None:
        if not api_key.isascii() or not api_key.isprintable() or not api_key:
            raise Misconfigured("api_key: is missing or no API key; `postroom key create` makes one")
        self._connections = Connections(gateway_url, patience=patience)
        self._patience = patience
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": _JSON}

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        """
        Yield the id of each letter as it is accepted, in order, or why the gateway refused it.

        Raises:
            Refused: the gateway does not take an attachment; nothing was handed in.
            Unavailable: the gateway is away; what was yielded is accepted all the same.
        """
        stored: dict[str, str] = {}
        written = [(letter.lane, self._fields(letter, stored)) for letter in letters]
        for lane, group in groupby(written, key=lambda pair: pair[0]):
            for batch in _batches(json.dumps(fields).encode() for _, fields in group):
                yield from self._send(batch, lane)

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """
        Return where a mail stands, after at most *wait* seconds if that is not final yet.

        Raises:
            NoSuchMail: this API key has handed in none of this id.
            Unavailable: the gateway is away.
        """
        last_moment = time.monotonic() + wait
        while True:
            left = max(0.0, last_moment - time.monotonic())
            hold = min(left, _LONGEST_HOLD, self._patience / 2)
            answer = self._call("GET", f"/v1/emails/{quote(mail_id, safe='')}?wait={hold:.3f}")
            if answer.status == 404 and _document(answer):  # noqa: PLR2004 - HTTP has the numbers
                raise NoSuchMail(f"there is no mail {mail_id}, or its result is forgotten")
            status = _status(mail_id, _accepted(answer))
            if status.is_final or time.monotonic() >= last_moment:
                return status

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _fields(self, letter: Letter, stored: dict[str, str]) -> dict[str, Any]:
        references = []
        for file in letter.files:
            digest = hashlib.sha256(file.content).hexdigest()
            if digest not in stored:
                stored[digest] = self._store(file)
            references.append(f"{stored[digest]}/{file.name}")
        return {"idempotency_key": uuid.uuid4().hex, **letter.with_references(references)}

    def _store(self, file: File) -> str:
        """Store the bytes and return their reference, without a name: the letter's goes behind it."""
        boundary = secrets.token_hex(16)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + file.content + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        document = _accepted(self._call("POST", "/v1/attachments", body, kind))
        return str(document["reference"]).partition("/")[0]

    def _send(self, batch: Sequence[bytes], lane: str) -> Iterator[str | Refused]:
        if len(batch) == 1:
            try:
                yield _id_of(_accepted(self._call("POST", f"/v1/emails?lane={lane}", batch[0])))
            except Refused as refused:
                yield refused
            return
        answer = self._call("POST", f"/v1/emails/batch?lane={lane}", b"[" + b",".join(batch) + b"]")
        outcomes = _document(answer).get("outcomes")
        if not outcomes:
            _accepted(answer)
            raise Unavailable("the gateway answered with something else than outcomes")
        for outcome in outcomes:
            email = outcome.get("email")
            yield _id_of(email) if email else _refusal(outcome.get("problem", {}))

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = _JSON) -> Answer:
        """Ask again until there is an answer that stands, or patience is at its end."""
        headers = self._headers if body is None else {**self._headers, "Content-Type": kind}
        last_moment = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        may_be_lost = True
        while True:
            try:
                answer = self._connections.ask(method, path, body, headers)
            except Unavailable:
                if not may_be_lost or time.monotonic() + pause > last_moment:
                    raise
                may_be_lost = False
                time.sleep(pause)
                continue
            if answer.status not in _PASSING:
                return answer
            asked = answer.headers.get("retry-after", "")
            pause = float(asked) if asked.isdecimal() else 2 * pause
            if time.monotonic() + pause > last_moment:
                raise Unavailable(f"the gateway is busy: it answered with {answer.status}")
            time.sleep(pause)


def _batches(bodies: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for body in bodies:
        if batch and (len(batch) == _MAILS or size + len(body) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield batch


def _accepted(answer: Answer) -> Mapping[str, Any]:
    """Return what a request that was accepted is answered with."""
    document = _document(answer)
    if answer.status >= 400:  # noqa: PLR2004 - HTTP has the numbers
        raise _refusal(document)
    return document


def _status(mail_id: str, email: Mapping[str, Any]) -> Status:
    if not email.get("state"):
        raise Unavailable("the gateway answered without a state")
    success, code, message, result = (email.get(name) for name in ("success", "code", "message", "result"))
    return Status(mail_id, str(email["state"]), success, code, message, result)


def _id_of(email: Mapping[str, Any]) -> str:
    if not email.get("id"):
        raise Unavailable("the gateway answered without an id")
    return str(email["id"])


def _document(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object of an answer of the gateway's own."""
    if answer.status in {401, 301, 302, 307, 308}:
        what = "refuses the API key" if answer.status == 401 else "sends to another address"  # noqa: PLR2004
        raise Misconfigured(f"the gateway {what} (status {answer.status}); see api_key and gateway_url")
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or answer.status >= 500:  # noqa: PLR2004
        raise Unavailable(f"the gateway answered with status {answer.status} and nothing that can be used")
    return document


def _refusal(problem: Mapping[str, Any]) -> Refused:
    return Refused(*(_sentence(error) for error in problem.get("errors") or [problem]))


def _sentence(error: Mapping[str, Any]) -> str:
    about = error.get("field") or error.get("parameter") or "the mail"
    return f"{about}: {error.get('detail', 'was refused')}"
