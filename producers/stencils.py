"""
Celery's messages, made once and filled in.

Celery and kombu spend more time on a message than the mail in it takes to be checked and sealed, and all of
it on what is equal in every message. So Celery makes one, kombu's virtual transport catches it, and for each
mail its id, its arguments and its delivery tag are put in (docs/decisions/0029-lean-publishing.md).
"""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from celery import signals
from kombu import Connection
from kombu.transport import virtual
from kombu.utils.json import dumps

from producers.app import send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from tasks.journal.entries import Entry

_PUBLISHING_SIGNALS: Final = (signals.before_task_publish, signals.after_task_publish, signals.task_sent)


class _Catcher(virtual.Channel):
    """A channel that keeps the message which was published last."""

    # kombu's other encoding, base64, would make the arguments a third longer, for everybody they pass.
    body_encoding = "utf-8"
    caught: dict[str, Any]

    def _put(self, queue: str, message: dict[str, Any], **_: object) -> None:
        del queue
        self.caught = message


class _Catching(virtual.Transport):
    """A transport that reaches nothing."""

    Channel = _Catcher


@dataclass(frozen=True, slots=True)
class Stencil:
    """
    A message as it lies in Redis, with holes.

    *pieces* is its text, with something else in the places *ids* (the mail's id), *arguments* and *number*.
    That is how many have been filled, which makes a delivery tag that nobody else's is.
    """

    pieces: tuple[str, ...]
    ids: tuple[int, ...]
    arguments: int
    number: int
    numbers: count[int] = field(default_factory=count)

    def fill(self, mail_id: str, payload: str) -> bytes:
        """Return the message of the mail *mail_id* with *payload*, the JSON text of its arguments."""
        pieces = list(self.pieces)
        for place in self.ids:
            pieces[place] = mail_id
        pieces[self.arguments] = _within_a_string(payload)
        pieces[self.number] = str(next(self.numbers))
        return "".join(pieces).encode("ascii")


def cut(app: Celery, lane: str) -> Stencil:
    """Return the stencil of the messages that *app* publishes in *lane*."""
    mail_id, arguments, tag = (uuid.uuid4().hex for _ in range(3))
    filler = f'{{"{arguments}":0}}'
    message = _made_by_celery(app, lane, mail_id=mail_id, payload=filler)
    message["body"] = message["body"].replace(f'{{"{arguments}": 0}}', arguments)
    message["properties"]["delivery_tag"] = f"{uuid.uuid4()}-{tag}"
    pieces = re.split(f"({mail_id}|{arguments}|{tag})", dumps(message))
    ids = tuple([place for place, piece in enumerate(pieces) if piece == mail_id])
    return Stencil(tuple(pieces), ids, pieces.index(arguments), pieces.index(tag))


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
        for signal in _PUBLISHING_SIGNALS:
            if signal.receivers:
                return []
        if self._app.current_worker_task:
            return []
        # A message names the process that it comes from, and a web server forks.
        process = os.getpid()
        return [self._of(process, entry.lane).fill(entry.mail_id, entry.payload) for entry in entries]

    def _of(self, process: int, lane: str) -> Stencil:
        stencil = self._cut.get((process, lane))
        if stencil is None:
            stencil = self._cut[process, lane] = cut(self._app, lane)
        return stencil


def _within_a_string(text: str) -> str:
    """Return the JSON *text*, which has no control characters, as it stands in a string of JSON."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _made_by_celery(app: Celery, lane: str, *, mail_id: str, payload: str) -> dict[str, Any]:
    with Connection(transport=_Catching) as connection:
        channel = cast("_Catcher", connection.channel())
        send(app, app.amqp.Producer(channel), mail_id=mail_id, payload=payload, lane=lane)
        return channel.caught
