"""
Celery's messages, made once and filled in.

Celery and kombu spend more time on a message than the mail in it takes to be checked and sealed, and all of
it on what is equal in every message. So Celery makes one, kombu's virtual transport catches it, and for each
mail its id, its arguments and its delivery tag are put in (docs/decisions/0029-lean-publishing.md).
"""

from __future__ import annotations

import os
import uuid
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from celery import signals
from kombu import Connection
from kombu.transport import virtual
from kombu.utils.json import dumps

from producers.app import send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from tasks.journal.records import Entry

_PUBLISHING_SIGNALS: Final = (signals.before_task_publish, signals.after_task_publish, signals.task_sent)


class _Catcher(virtual.Channel):
    """A channel that keeps the message which was published last."""

    caught: dict[str, Any]

    def _put(self, queue: str, message: dict[str, Any], **_: object) -> None:
        del queue
        self.caught = message


class _Catching(virtual.Transport):
    """A transport that reaches nothing."""

    Channel = _Catcher


@dataclass(frozen=True, slots=True)
class Stencil:
    """A message as it lies in Redis, with holes; *head* and *tail* stand around the arguments in its body."""

    message: bytes
    head: bytes
    tail: bytes

    def fill(self, mail_id: str, payload: str) -> bytes:
        """Return the message of the mail *mail_id* with *payload*, the JSON text of its arguments."""
        return self.message % {
            b"id": mail_id.encode("ascii"),
            b"body": b64encode(self.head + payload.encode("ascii") + self.tail),
            b"tag": str(uuid.uuid4()).encode("ascii"),
        }


def cut(app: Celery, lane: str) -> Stencil:
    """Return the stencil of the messages that *app* publishes in *lane*."""
    mail_id, arguments, body, tag = (uuid.uuid4().hex for _ in range(4))
    filler = f'{{"{arguments}": 0}}'
    message = _made_by_celery(app, lane, mail_id=mail_id, payload=filler)
    head, tail = b64decode(message["body"]).split(filler.encode())
    message["body"] = body
    message["properties"]["delivery_tag"] = tag
    text = dumps(message).replace("%", "%%").encode("ascii")
    for hole, mark in ((b"%(id)s", mail_id), (b"%(body)s", body), (b"%(tag)s", tag)):
        text = text.replace(mark.encode(), hole)
    return Stencil(text, head, tail)


class Stencils:
    """The stencils of an app, for as long as Celery's messages differ in nothing else."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._cut: dict[tuple[int, str], Stencil] = {}

    def fill(self, entries: Sequence[Entry]) -> list[bytes]:
        """
        Return the message of each of *entries*, or nothing where Celery itself must make them.

        That is where somebody listens to its publishing (tracing does, and adds headers), and in a task,
        whose messages name the task that they come from.
        """
        if self._app.current_worker_task or any(signal.receivers for signal in _PUBLISHING_SIGNALS):
            return []
        return [self._of(entry.lane).fill(entry.mail_id, entry.payload) for entry in entries]

    def _of(self, lane: str) -> Stencil:
        # A message names the process that it comes from, and a web server forks.
        key = os.getpid(), lane
        if key not in self._cut:
            self._cut[key] = cut(self._app, lane)
        return self._cut[key]


def _made_by_celery(app: Celery, lane: str, *, mail_id: str, payload: str) -> dict[str, Any]:
    with Connection(transport=_Catching) as connection:
        channel = cast("_Catcher", connection.channel())
        send(app, app.amqp.Producer(channel), mail_id=mail_id, payload=payload, lane=lane)
        return channel.caught
