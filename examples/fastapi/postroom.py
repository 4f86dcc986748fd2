"""
Postroom's dependency for FastAPI.

Made by `postroom integration fastapi`. Copy it into your project, and leave it as it is: a newer one will
replace it. Nothing of Postroom's has to be installed for it.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import secrets
import time
import uuid
from collections import deque
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Self

    from celery import Celery
    from kombu import Producer


class PostroomError(Exception):
    """The base of everything that is raised here."""


class Misconfigured(PostroomError):
    """The settings cannot work; the text says which, and what to do."""


class Refused(PostroomError, ValueError):
    """A mail that cannot be accepted: *problems* has a sentence for everything that is wrong with it."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return " | ".join(self.problems)


class Unavailable(PostroomError):
    """
    Queue or gateway did not answer in time.

    The mail was not accepted, or the answer was lost: with an idempotency key a repeat is safe either way.
    """


class NoSuchMail(PostroomError):
    """The gateway knows no mail of this id that was handed in with this API key, or no longer."""


#: The queues, in the order in which workers empty them.
LANES: Final = ("reset", "default", "bulk")
#: Everything that a letter may say.
FIELDS: Final = frozenset(
    {
        "smtp_authentication",
        "smtp_host",
        "smtp_port",
        "user_name",
        "smtp_ssl_trust",
        "to",
        "cc",
        "bcc",
        "subject",
        "body",
        "attachments",
        "timeout",
        "email_format",
        "encoding",
        "account",
        "sender",
        "reply_to",
        "text_body",
        "headers",
        "idempotency_key",
        "expires_at",
        "on_unknown",
        "metadata",
    }
)
#: Headers that a mail may add beside X-*, in lower case.
HEADERS: Final = frozenset(
    {
        "in-reply-to",
        "references",
        "list-archive",
        "list-help",
        "list-id",
        "list-owner",
        "list-post",
        "list-subscribe",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "archived-at",
        "auto-submitted",
        "comments",
        "feedback-id",
        "importance",
        "keywords",
        "organization",
        "precedence",
        "priority",
        "sensitivity",
        "thread-index",
        "thread-topic",
    }
)
MAX_RECIPIENTS: Final = 100
MAX_LINE: Final = 998
MAX_ATTACHMENTS: Final = 20
MAX_FILE_NAME: Final = 255
MIN_TIMEOUT: Final = 1_000
MAX_TIMEOUT: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: its name, which also says its content type, and its bytes."""

    name: str = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """
    One mail; only *to*, *subject*, and *body* or *html* are needed.

    In *to*, *cc*, *bcc* and *reply_to* each string is exactly one address, so that a `;` in what a visitor
    typed adds nobody. *html* goes out with *body* as its plain alternative. *attachments* are files, pairs of
    a name and bytes, or names of files of the worker. *timeout* is in milliseconds. *more* has any other
    field of Postroom's contract.
    """

    to: Sequence[str] | str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    cc: Sequence[str] | str = field(default=(), repr=False)
    bcc: Sequence[str] | str = field(default=(), repr=False)
    reply_to: Sequence[str] | str = field(default=(), repr=False)
    sender: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    attachments: Sequence[File | tuple[str, bytes] | str] = field(default=(), repr=False)
    lane: str | None = None
    account: str | None = None
    timeout: int | None = None
    idempotency_key: str | None = field(default=None, repr=False)
    expires_at: datetime | str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is handed in for a mail: the contract's fields, the bytes that go before it, and its queue."""

    fields: dict[str, Any] = field(repr=False)
    files: tuple[File, ...] = field(repr=False)
    lane: str

    def with_references(self, references: Sequence[str]) -> dict[str, Any]:
        """Return the fields, with *references* to the stored files among the attachments."""
        attachments = [*self.fields.get("attachments", ()), *references]
        return {**self.fields, "attachments": attachments} if attachments else dict(self.fields)


_LISTS: Final = ("to", "cc", "bcc", "reply_to")


def letter_of(mail: Mail, defaults: Mapping[str, Any]) -> Letter:
    """Return the letter for *mail*; what it leaves open is as *defaults* say."""
    fields: dict[str, Any] = {name: _addresses(getattr(mail, name)) for name in _LISTS}
    fields |= {"subject": str(mail.subject), "body": str(mail.html or mail.body)}
    if mail.html:
        fields |= {"email_format": "html", "text_body": str(mail.body)}
    for name in ("sender", "account", "timeout", "idempotency_key"):
        value = getattr(mail, name)
        fields[name] = defaults.get(name) if value is None else value
    expires_at = mail.expires_at
    fields["expires_at"] = expires_at.isoformat() if isinstance(expires_at, datetime) else expires_at
    fields["headers"] = {str(name): str(value) for name, value in mail.headers.items()}
    fields["metadata"] = dict(mail.metadata)
    fields["attachments"] = [name for name in mail.attachments if isinstance(name, str)]
    files = tuple(
        each if isinstance(each, File) else File(*each)
        for each in mail.attachments
        if not isinstance(each, str)
    )
    given = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    return Letter({**given, **mail.more}, files, mail.lane or defaults.get("lane") or "default")


def _addresses(value: Sequence[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else [str(each) for each in value]


_MIB: Final = 1024 * 1024
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BROKEN: Final = re.compile("[\x00\ud800-\udfff]")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_KEY: Final = re.compile(r"[!-~]{1,255}")
_OFFSET: Final = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\Z")
_ADDRESS: Final = re.compile(r"[^@]*[^@\s]@[^\s@<>,;]+>?", re.DOTALL)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


def problems_of(
    fields: Mapping[str, Any], files: Sequence[Any], *, lane: str, max_bytes: int
) -> Iterator[str]:
    """Yield a sentence for everything that is wrong; none repeats an address, a subject or a file name."""
    for name in sorted(set(fields) - FIELDS):
        yield f"{name}: is an unknown field; known are {', '.join(sorted(FIELDS))}"
    if lane not in LANES:
        yield f"lane: is unknown; must be one of {', '.join(LANES)}"
    yield from _about_addresses(fields)
    yield from _about_text(fields)
    yield from _about_headers(fields.get("headers", {}))
    yield from _about_options(fields)
    yield from _about_files(files, max_bytes)
    if len(fields.get("attachments", ())) + len(files) > MAX_ATTACHMENTS:
        yield f"attachments: are more than {MAX_ATTACHMENTS}; send fewer"


def _about_addresses(fields: Mapping[str, Any]) -> Iterator[str]:
    lists = {name: fields.get(name, ()) for name in ("to", "cc", "bcc")}
    if not any(address.strip() for address in lists["to"]):
        yield "to: names nobody; at least one recipient is required there, beside cc and bcc"
    if sum(map(len, lists.values())) > MAX_RECIPIENTS:
        yield f"to, cc, bcc: have more than {MAX_RECIPIENTS} recipients; send several mails"
    sender = [fields["sender"]] if fields.get("sender") else []
    for name, addresses in {**lists, "reply_to": fields.get("reply_to", ()), "sender": sender}.items():
        for number, address in enumerate(addresses, start=1):
            if _CONTROL.search(address):
                yield f"{name}: entry {number} contains control characters; remove them"
            elif address.strip() and not _ADDRESS.fullmatch(_QUOTED.sub("q", address.strip())):
                yield f"{name}: entry {number} is not one email address; expected name@domain"


def _about_text(fields: Mapping[str, Any]) -> Iterator[str]:
    subject = fields.get("subject", "").strip()
    if not subject:
        yield "subject: is blank; a subject is required"
    if _CONTROL.search(subject.replace("\t", " ")):
        yield "subject: contains line breaks or control characters; it must be a single line"
    if len(subject) > MAX_LINE:
        yield f"subject: has {len(subject)} characters; it must have at most {MAX_LINE}"
    if not fields.get("body"):
        yield "body: is empty; a body or an HTML body is required"
    for name in ("body", "text_body"):
        if _BROKEN.search(fields.get(name, "")):
            yield f"{name}: contains characters that cannot be sent; remove NUL and lone surrogates"


def _about_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        folded = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            yield "headers: a name is no header name; letters, digits and hyphens only"
        elif folded not in HEADERS and not folded.startswith("x-"):
            yield f"headers: {name} may not be set; use X-* or one of {', '.join(sorted(HEADERS))}"
        elif not value.strip() or len(value) > MAX_LINE or _CONTROL.search(value):
            yield f"headers: {name} must be one line of 1 to {MAX_LINE} characters"


def _about_options(fields: Mapping[str, Any]) -> Iterator[str]:
    timeout = fields.get("timeout", MIN_TIMEOUT)
    if not isinstance(timeout, int) or not MIN_TIMEOUT <= timeout <= MAX_TIMEOUT:
        yield f"timeout: must be {MIN_TIMEOUT} to {MAX_TIMEOUT}, in milliseconds"
    key = fields.get("idempotency_key")
    if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
        yield "idempotency_key: must be 1 to 255 printable ASCII characters without spaces"
    moment = fields.get("expires_at")
    if isinstance(moment, str) and not _OFFSET.search(moment):
        yield "expires_at: has no offset; expected such as 2030-01-31T12:00:00Z, or an aware datetime"


def _about_files(files: Sequence[Any], max_bytes: int) -> Iterator[str]:
    for number, file in enumerate(files, start=1):
        name = file.name
        if not isinstance(file.content, bytes):
            yield f"attachments: entry {number} is no bytes; give its content as bytes"
        if not name or name in {".", ".."} or "/" in name or "\\" in name or _CONTROL.search(name):
            yield f"attachments: entry {number} has a name that cannot be used; give a plain file name"
        elif len(name.encode()) > MAX_FILE_NAME:
            yield f"attachments: entry {number} has a long name; at most {MAX_FILE_NAME} bytes"
    size = sum(len(file.content) for file in files)
    if size > max_bytes:
        yield (
            f"attachments: have {size / _MIB:.1f} MiB together and may have {max_bytes / _MIB:.1f}; send a "
            "link, or raise max_attachment_bytes together with the worker's POSTROOM_MAX_MESSAGE_BYTES"
        )


_WAITING: Final = frozenset({"queued", "sending", "retrying"})


@dataclass(frozen=True, slots=True)
class Status:
    """
    Where a mail stands.

    *state* is `queued`, `sending` or `retrying`, then for good `sent`, `partial`, `not_sent`, `unknown`,
    `expired` or `cancelled`. *success* is None until then; *code* and *message* are the result's, or the last
    attempt's. *result* has all outputs once there is a result.
    """

    mail_id: str
    state: str
    success: bool | None = None
    code: int | None = None
    message: str | None = None
    result: Mapping[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in _WAITING


class Way(Protocol):
    """A way from here to Postroom."""

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        """Yield the id of each letter, in order, or why it was refused."""

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """Return where a mail stands, after at most *wait* seconds if that is not final yet."""

    def close(self) -> None:
        """Close the connections."""


REDIS: Final = ("redis", "rediss")
RABBITMQ: Final = ("amqp", "amqps", "pyamqp")
#: kombu and redis-py try twice, each after at most one connect: so many waits make up what a caller waits.
_STEPS: Final = 4
_SETTINGS: Final[dict[str, Any]] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
}


def scheme_of(url: str) -> str:
    """Return the scheme of *url* in lower case, empty if there is none."""
    return urlsplit(url).scheme.lower() if "://" in url else ""


def timeouts(patience: float) -> dict[str, float]:
    """Return the timeouts of a Redis client where a call may take about *patience* seconds."""
    return {"socket_connect_timeout": patience / _STEPS, "socket_timeout": patience / _STEPS}


def publishing_app(broker_url: str, patience: float) -> Celery:
    """Return an app that publishes to *broker_url*, and that is told of no results."""
    from celery import Celery  # noqa: PLC0415 - who uses the gateway needs no Celery
    from kombu import Exchange, Queue  # noqa: PLC0415 - as above

    class App(Celery):
        """CELERY_BROKER_URL, which may be the web application's own, would win over what an app is given."""

        def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
            return super().connection_for_write(url or broker_url, **options)

    # Without Celery's fixups, one of which puts the current folder before all others for imports.
    app = App("postroom.by_name", broker=broker_url, set_as_current=False, fixups=[])
    app.backend_cls = "disabled"
    app.conf.update(_SETTINGS)
    app.conf.update(broker_connection_timeout=patience / _STEPS, broker_pool_acquire_timeout=patience)
    is_rabbitmq = scheme_of(broker_url) in RABBITMQ
    # A RabbitMQ that hangs would be waited for without them.
    bounds = {"read_timeout": patience / _STEPS, "write_timeout": patience / _STEPS}
    confirmed = {"confirm_publish": True, **bounds}
    app.conf.broker_transport_options = confirmed if is_rabbitmq else timeouts(patience)
    # As the workers declare them: RabbitMQ refuses a queue that is declared in another way.
    arguments = {"x-queue-type": "quorum"} if is_rabbitmq else {}
    app.conf.task_queues = [
        Queue(lane, Exchange(lane, type="direct"), routing_key=lane, queue_arguments=arguments)
        for lane in LANES
    ]
    return app


def reading_app(results_url: str, patience: float) -> Celery:
    """Return an app that reads the results at *results_url*."""
    from celery import Celery  # noqa: PLC0415 - as above

    app = Celery("postroom.results", set_as_current=False, fixups=[])
    app.backend_cls = results_url
    step = patience / _STEPS
    app.conf.update(
        _SETTINGS,
        redis_socket_connect_timeout=step,
        redis_socket_timeout=step,
        result_backend_transport_options={"retry_policy": {"timeout": patience, "max_retries": 1}},
    )
    return app


_TASK: Final = "send_email"
#: Where workers look for stored bytes, by their SHA-256; and for how many seconds they are kept.
_BLOB: Final = "postroom:blob:"
_LIFETIME: Final = 7 * 24 * 3600
#: Messages that share a round trip, where kombu can do that.
_BATCH: Final = 500
#: Seconds between two looks for a result, at first and at most.
_FIRST_LOOK: Final = 0.05
_LAST_LOOK: Final = 1.0
_INTERNAL_ERROR: Final = 699
_CANCELLED: Final = 650


class ByName:
    """
    Puts mails into the queue at *broker_url*, and reads results from the Redis at *journal_url*.

    The latter is the broker's, unless that is a RabbitMQ.
    """

    def __init__(self, broker_url: str, journal_url: str = "", *, patience: float) -> None:
        scheme = scheme_of(broker_url)
        if scheme not in (*REDIS, *RABBITMQ):
            raise Misconfigured(
                f"broker_url: {scheme or 'it'} is no scheme that can be used here; must be redis://, "
                "rediss:// or amqp://; behind sentinels, use gateway_url"
            )
        journal_url = journal_url or (broker_url if scheme in REDIS else "")
        if scheme_of(journal_url) not in REDIS:
            raise Misconfigured("journal_url: must be redis:// or rediss://, where the workers' journal is")
        self._journal_url = journal_url
        self._patience = patience
        self._queue = publishing_app(broker_url, patience)
        self._results = reading_app(journal_url, patience)

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str]:
        """
        Store the attachments, put the letters into their queues, and yield their ids.

        Raises:
            Unavailable: the queue is away; some of the letters may be in it.
        """
        with _told_as_unavailable():
            fields = self._with_stored_files(letters)
        ids = [str(uuid.uuid4()) for _ in letters]
        tasks = list(zip(ids, fields, (letter.lane for letter in letters), strict=True))
        self._publish(tasks)
        yield from ids

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """Return where a mail stands; one that nobody ever handed in is `queued`, as Celery has it."""
        pause, last_moment = _FIRST_LOOK, time.monotonic() + wait
        while True:
            with _told_as_unavailable():
                status = _settled(mail_id, self._results.backend.get_task_meta(mail_id))
            left = last_moment - time.monotonic()
            if status.is_final or left <= 0:
                return status
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_LOOK)

    def close(self) -> None:
        """Close the connections."""
        self._queue.close()
        self._results.close()

    def _publish(self, tasks: Sequence[tuple[str, dict[str, Any], str]]) -> None:
        with (
            _told_as_unavailable(),
            self._queue.producer_or_acquire() as producer,
            _together(producer, len(tasks)),
        ):
            for mail_id, fields, lane in tasks:
                self._queue.send_task(
                    _TASK,
                    kwargs=fields,
                    task_id=mail_id,
                    queue=lane,
                    producer=producer,
                    # Without these two, monitors and logs would show what the mail says.
                    argsrepr="()",
                    kwargsrepr="{…}",
                )

    def _with_stored_files(self, letters: Sequence[Letter]) -> list[dict[str, Any]]:
        named = [
            [(hashlib.sha256(file.content).hexdigest(), file) for file in letter.files] for letter in letters
        ]
        contents = {digest: file.content for pairs in named for digest, file in pairs}
        if contents:
            from redis import Redis  # noqa: PLC0415 - as in celery_apps; celery[redis] brings it

            with Redis.from_url(self._journal_url, **timeouts(self._patience)) as redis:
                for digest, content in contents.items():
                    redis.set(_BLOB + digest, content, ex=_LIFETIME)
        return [
            letter.with_references([f"stored:{digest}/{file.name}" for digest, file in pairs])
            for letter, pairs in zip(letters, named, strict=True)
        ]


def _together(producer: Producer, count: int) -> Any:
    # kombu 5.7 sends many messages in a few round trips; older ones send each by itself.
    batch: Any = getattr(producer, "batch", None)
    return batch(_BATCH) if batch and count > 1 else nullcontext()


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    from kombu.exceptions import KombuError  # noqa: PLC0415 - as above
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        yield
    except (KombuError, RedisError, OSError) as error:
        # Not the error's own text: it may have the URL, and with it a password.
        raise Unavailable(f"the queue cannot be reached ({type(error).__name__})") from error


def _settled(mail_id: str, meta: dict[str, Any]) -> Status:
    result, state = meta.get("result"), meta["status"]
    if state == "SUCCESS" and isinstance(result, dict):
        code = result["code"]
        # One that some had got before it was cancelled stays partial.
        is_cancelled = code == _CANCELLED and result["delivery"] == "not_sent"
        found = "cancelled" if is_cancelled else result["delivery"]
        return Status(mail_id, found, result["success"], code, result["message"], result)
    if state == "FAILURE":
        text = "an error of the worker; its log has it under this id"
        return Status(mail_id, "not_sent", success=False, code=_INTERNAL_ERROR, message=text)
    return Status(mail_id, {"RETRY": "retrying", "STARTED": "sending"}.get(state, "queued"))


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


#: The settings of a `Client`; frameworks spell them in their own way.
SETTINGS: Final = (
    "broker_url",
    "journal_url",
    "gateway_url",
    "api_key",
    "api_key_file",
    "give_up_after",
    "max_attachment_bytes",
    "lane",
    "account",
    "timeout",
)
#: What goes into a message of 10 MiB, which workers send unless told otherwise: files grow by a third there.
_MOST_BYTES: Final = 7 * 1024 * 1024


class Client:
    """
    Hands mails in, and says what became of them; one serves a process, and threads share it.

    With *broker_url* mails go into the queue by name, as plain Celery messages, and attachments into the
    Redis beside it; *journal_url* says where that is if the broker is a RabbitMQ. With *gateway_url* and
    *api_key*, or *api_key_file*, they go over HTTP, and are kept from the moment that an id is returned.

    *lane*, *account* and *timeout* are for mails that say nothing else. *give_up_after* is how
    many seconds a call may take, more or less, while queue or gateway do not answer.
    """

    def __init__(  # noqa: PLR0913 - an argument for each setting
        self,
        *,
        broker_url: str = "",
        journal_url: str = "",
        gateway_url: str = "",
        api_key: str = "",
        api_key_file: str | os.PathLike[str] = "",
        give_up_after: float | str = 10.0,
        max_attachment_bytes: int | str = _MOST_BYTES,
        lane: str = "default",
        account: str | None = None,
        timeout: int | str | None = None,
    ) -> None:
        if bool(broker_url) == bool(gateway_url):
            raise Misconfigured("set either broker_url, the workers' queue, or gateway_url with api_key")
        self._defaults = {
            "lane": lane,
            "account": account or None,
            "timeout": None if timeout is None else _milliseconds(timeout),
        }
        self._most_bytes = _number("max_attachment_bytes", max_attachment_bytes)
        if lane not in LANES:
            raise Misconfigured(f"lane: must be one of {', '.join(LANES)}")
        key = api_key or (_read(api_key_file) if api_key_file else "")
        patience = _seconds(give_up_after)
        self._make: Callable[[], Way] = (
            (lambda: OverHTTP(gateway_url, key, patience=patience))
            if gateway_url
            else (lambda: ByName(broker_url, journal_url, patience=patience))
        )
        self._way: Way = self._make()
        self._process = os.getpid()

    def send(self, mail: Mail | None = None, /, **fields: Any) -> str:
        """
        Hand one mail in, a `Mail` or its fields, and return the id to ask for its result with.

        Raises:
            Refused: with everything that is wrong with it.
            Unavailable: queue or gateway is away.
        """
        [answer] = self.send_many([mail or Mail(**fields)])
        if isinstance(answer, Refused):
            raise answer
        return answer

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """
        Hand many mails in, in few round trips, and return for each its id, or why the gateway refused it.

        Raises:
            Refused: one of them is wrong in itself; none was handed in.
            Unavailable: queue or gateway is away; some may have been handed in.
        """
        return list(self.hand_in(self.write(mails)))

    def write(self, mails: Sequence[Mail]) -> list[Letter]:
        """
        Return a letter for each mail.

        Raises:
            Refused: one of them is wrong; with everything that is wrong with any.
        """
        letters = [letter_of(mail, self._defaults) for mail in mails]
        problems = [
            problem if len(letters) == 1 else f"mail {number}: {problem}"
            for number, letter in enumerate(letters, start=1)
            for problem in problems_of(
                letter.fields, letter.files, lane=letter.lane, max_bytes=self._most_bytes
            )
        ]
        if problems:
            raise Refused(*problems)
        return letters

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        """Yield for each letter its id, or why the gateway refused it, as the answers come."""
        return self._here.hand_in(letters)

    def status(self, mail_id: str) -> Status:
        """
        Return where a mail stands.

        Raises:
            NoSuchMail: the gateway has none of this id; by name, such a one is `queued`.
            Unavailable: queue or gateway is away.
        """
        return self._here.look_up(mail_id, wait=0.0)

    def wait(self, mail_id: str, *, timeout: float) -> Status:
        """Return where a mail stands as soon as that is final, after at most *timeout* seconds."""
        return self._here.look_up(mail_id, wait=timeout)

    def close(self) -> None:
        """Close the connections; whoever hands something in afterwards opens new ones."""
        self._here.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _here(self) -> Way:
        # A server that forks would have its children share sockets.
        if self._process != os.getpid():
            self._way, self._process = self._make(), os.getpid()
        return self._way


def settings_of(mapping: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the settings that stand in *mapping* under their names in capitals behind *prefix*."""
    names = {name: f"{prefix}{name.upper()}" for name in SETTINGS}
    return {name: mapping[key] for name, key in names.items() if mapping.get(key) not in (None, "")}


def _number(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Misconfigured(f"{name}: is no whole number") from None


def _milliseconds(value: int | str) -> int:
    timeout = _number("timeout", value)
    if not MIN_TIMEOUT <= timeout <= MAX_TIMEOUT:
        raise Misconfigured(f"timeout: must be {MIN_TIMEOUT} to {MAX_TIMEOUT}, in milliseconds")
    return timeout


def _seconds(value: float | str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour is for ever here
        raise Misconfigured("give_up_after: must be a number of seconds, above 0")
    return seconds


def _read(file: str | os.PathLike[str]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise Misconfigured("api_key_file: cannot be read") from None


class Outbox(Client):
    """
    A client for tests: it checks mails as any other, keeps them in *mails*, and sends nothing.

    Whatever is in it counts as sent.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"gateway_url": "http://outbox.invalid", "api_key": "none", **settings})
        self.mails: list[Mail] = []

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """Keep many mails. Raises `Refused` as `Client.send_many`."""
        self.write(mails)
        self.mails += mails
        return [str(uuid.uuid4()) for _ in mails]

    def status(self, mail_id: str) -> Status:
        """Return that a mail is sent."""
        return Status(mail_id, "sent", success=True, code=250, message="2.0.0 Ok: kept in the outbox")

    def wait(self, mail_id: str, *, timeout: float) -> Status:  # noqa: ARG002 - as of Client
        """Return that a mail is sent."""
        return self.status(mail_id)


class Postroom:
    """
    Hands mails in from endpoints, without holding up the event loop.

    ```
    postroom = Postroom()  # reads POSTROOM_GATEWAY_URL and so on from the environment
    Mails = Annotated[Postroom, Depends(postroom)]

    @app.post("/orders")
    async def order(mails: Mails) -> dict[str, str]:
        return {"mail": await mails.send(to="ann@example.org", subject="Hello", body="How are you?")}
    ```

    *settings* are those of `Client`, in place of the environment's. In tests its `client` may be an `Outbox`.
    Endpoints that are no coroutines use `client` directly.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def __call__(self) -> Postroom:
        """Return itself: what an endpoint depends on."""
        return self

    @cached_property
    def client(self) -> Client:
        """
        What does the work; made when it is first needed, so touch it at the start to have settings checked.

        Raises:
            Misconfigured: a setting is wrong or missing.
        """
        return Client(**(self._settings or settings_of(os.environ, "POSTROOM_")))

    async def send(self, mail: Mail | None = None, /, **fields: Any) -> str:
        """Hand one mail in, a `Mail` or its fields, and return its id. Raises as `Client.send`."""
        return await run_in_threadpool(self.client.send, mail, **fields)

    async def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """Hand many mails in. Returns and raises as `Client.send_many`."""
        return await run_in_threadpool(self.client.send_many, mails)

    async def status(self, mail_id: str) -> Status:
        """Return where a mail stands. Raises as `Client.status`."""
        return await run_in_threadpool(self.client.status, mail_id)

    async def wait(self, mail_id: str, *, timeout: float) -> Status:  # noqa: ASYNC109 - it is the client's
        """Return where a mail stands once that is final, after at most *timeout* seconds."""
        return await run_in_threadpool(self.client.wait, mail_id, timeout=timeout)
