"""Requests of ordinary mails, of which only that is made which all of them need."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tasks.contract.names import TASK_NAME
from tasks.contract.queue import PUBLISH_OPTIONS
from tasks.send_email import DiscreetRequest, lane_of
from worker.decoding import decode_plain

if TYPE_CHECKING:
    from celery import Celery

    from tasks.send_email import SendEmailTask
    from worker.ordinary import Ordinary
    from worker.trims.channel import Fetched

#: Whoever stores results in a backend of Celery's asks for the rest, too, in a thread of its own.
_WRITING: Final = threading.RLock()


class Surroundings(NamedTuple):
    """What all requests of a consumer have in common."""

    app: Celery
    hostname: str
    task: SendEmailTask
    connection_errors: tuple[type[Exception], ...]


class LeanRequest(DiscreetRequest):
    """
    A request of Celery's that is written out when somebody asks for the rest of it.

    Hardly anybody does: `inspect` for what it shows, and whoever terminates a request or gives it back. Then
    kombu and Celery make a message and a request in full of what was fetched, by their own code, and it is
    one from there on.
    """

    __slots__ = (
        "_fetched",
        "_is_whole",
        "_surroundings",
        "acknowledged",
        "channel",
        "lane",
        "parameters",
        "root_id",
        "time_start",
        "worker_pid",
    )

    # Properties of a request in full, which reads them from its message.
    channel: Any
    lane: str
    parameters: dict[str, Any]
    root_id: str

    # Those of every one. Celery keeps its own under these names, beside, once it is written out.
    name = _type = TASK_NAME
    _argsrepr, _kwargsrepr = PUBLISH_OPTIONS["argsrepr"], PUBLISH_OPTIONS["kwargsrepr"]

    def __init__(
        self, mail: Ordinary, fetched: Fetched, channel: Any, eventer: Any, surroundings: Surroundings
    ) -> None:
        self.id, self.root_id, self.parameters = mail
        self.lane = lane_of({"routing_key": fetched.queue})
        self.channel = channel
        self.acknowledged = self._is_whole = False
        self.time_start = self.worker_pid = None
        self._eventer = eventer
        self._task = surroundings.task
        self._fetched = fetched
        self._surroundings = surroundings

    def acknowledge(self) -> None:
        """Acknowledge the message, unless that was done."""
        if not self.acknowledged:
            self.channel.basic_ack(self._fetched.tag)
            self.acknowledged = True

    def __getattr__(self, name: str) -> Any:
        """Find what is there only once the request is written out."""
        if name != "_is_whole":
            with _WRITING:
                if not self._is_whole:
                    self._is_whole = True
                    self._write_out()
        return object.__getattribute__(self, name)

    def _write_out(self) -> None:
        message = self.channel.message_of(self._fetched)
        decode_plain(message)
        super().__init__(
            message,
            on_ack=message.ack_log_error,
            on_reject=message.reject_log_error,
            eventer=self._eventer,
            **self._surroundings._asdict(),
        )
