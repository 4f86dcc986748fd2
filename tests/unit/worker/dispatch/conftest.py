"""Errands and requests without a worker around them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from kombu.message import Message

from producers.stencils import cut
from tasks.delivery.job import Job
from tasks.send_email import DiscreetRequest, register
from worker.dispatch.items import Errand
from worker.dispatch.lean import LeanRequest, Surroundings
from worker.ordinary import read_ordinary
from worker.trims.channel import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from worker.dispatch.events import Told


@dataclass
class Channel:
    """The broker's channel, which notes what is acknowledged and what goes back."""

    acknowledged: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    written_out: int = 0
    closed: bool = False
    connection: Any = "connected"
    no_ack_consumers: set[str] = field(default_factory=set)

    def message_of(self, fetched: Fetched) -> Message:
        self.written_out += 1
        entry = json.loads(fetched.raw)
        return Message(
            entry["body"].encode(),
            content_type=entry["content-type"],
            content_encoding=entry["content-encoding"],
            headers=entry["headers"],
            properties=entry["properties"],
            delivery_info={"exchange": "", "routing_key": fetched.queue},
            delivery_tag=fetched.tag,
            channel=self,
        )

    def basic_ack(self, tag: str, **_: Any) -> None:
        self.acknowledged.append(tag)

    def basic_reject(self, tag: str, *, requeue: bool) -> None:
        assert requeue
        self.given_back.append(tag)


@dataclass(eq=False)
class Eventer:
    """Notes the events that are sent."""

    enabled: bool = True
    events: list[dict[str, Any]] = field(default_factory=list)
    flushed: int = 0

    def send(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def tell(self, told: Iterable[Told]) -> None:
        for kind, task_id, rest in told:
            self.send(kind, uuid=task_id, **json.loads(f"{{{rest[1:]}}}"))

    def flush(self) -> None:
        self.flushed += 1


@pytest.fixture(scope="session")
def app() -> Celery:
    """An app with the task and nothing else."""
    app = Celery("mail", set_as_current=False, broker="memory://")
    register(app, SimpleNamespace)  # type: ignore[arg-type, return-value]  # nothing is delivered
    return app


@pytest.fixture
def channel() -> Channel:
    """A channel that is open."""
    return Channel()


@pytest.fixture
def eventer() -> Eventer:
    """A dispatcher of events."""
    return Eventer()


@pytest.fixture
def message(channel: Channel) -> Callable[..., Message]:
    """Makes messages as kombu hands them over."""

    def make(mail_id: str = "m", *, embed: Any = None, channel: Any = channel, **headers: Any) -> Message:
        return Message(
            json.dumps([[], {"subject": "canary"}, embed]).encode(),
            content_type="application/json",
            content_encoding="utf-8",
            headers={"task": "send_email", "id": mail_id, **headers},
            properties={},
            delivery_info={"routing_key": "bulk"},
            delivery_tag=f"tag of {mail_id}",
            channel=channel,
        )

    return make


@pytest.fixture
def entry() -> Callable[..., bytes]:
    """Makes entries of ordinary mails as they lie in the queue."""
    stencil = cut(Celery("shop", broker="memory://", set_as_current=False), "bulk")

    @cache
    def fill(mail_id: str = "m") -> bytes:
        return stencil.fill(mail_id, '{"subject": "canary"}')

    return fill


@pytest.fixture
def lean(
    app: Celery, eventer: Eventer, channel: Channel, entry: Callable[..., bytes]
) -> Callable[..., LeanRequest]:
    """Makes lean requests."""
    task: Any = app.tasks["send_email"]

    def make(mail_id: str = "m", channel: Any = channel) -> LeanRequest:
        fetched = Fetched(f"tag of {mail_id}", "bulk", entry(mail_id))
        mail = read_ordinary(fetched.raw)
        assert mail is not None
        return LeanRequest(mail, fetched, channel, eventer, Surroundings(app, "w@h", task, (OSError,)))

    return make


@pytest.fixture
def errand(app: Celery, eventer: Eventer, message: Callable[..., Message]) -> Callable[..., Errand]:
    """Makes errands with real requests."""

    def make(mail_id: str = "m", *, way: str = "way", **options: Any) -> Errand:
        found = message(mail_id, **options)
        request: Any = DiscreetRequest(
            found,
            on_ack=found.ack_log_error,
            on_reject=found.reject_log_error,
            app=app,
            hostname="w@h",
            eventer=eventer,
            task=app.tasks["send_email"],
            connection_errors=(OSError,),
        )
        return Errand(request, Job(mail_id, "default", {}), way, "default")

    return make
