"""An ordinary mail goes to the pool at once; whatever asks more of Celery goes Celery's way."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery import signals
from celery.worker import state, strategy

from tasks.delivery.job import Job
from worker.dispatch.items import Errand
from worker.dispatch.strategy import Mails
from worker.trims.channel import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

    from tests.unit.worker.dispatch.conftest import Channel, Eventer


class Consumer(SimpleNamespace):
    """What is looked at of Celery's; signals want something that can be hashed."""

    __hash__ = object.__hash__


def errand(request: Any) -> Errand:
    """What the pool makes of a request."""
    return Errand(request, Job(request.id, request.lane, request.parameters), "way", request.lane)


class Office:
    """The strategy over a consumer that notes where messages go."""

    def __init__(self, app: Celery, eventer: Eventer) -> None:
        self.taken: list[Any] = []
        self.celerys: list[Any] = []
        self.in_one_go: list[bool] = []
        self.consumer: Any = Consumer(
            hostname="w@h",
            event_dispatcher=eventer,
            connection_errors=(OSError,),
            task_buckets={"send_email": None},
            pool=SimpleNamespace(take=self.take_errands, errand=errand),
        )
        task: Any = app.tasks["send_email"]
        self.strategy = Mails(task, app, self.consumer)

    def take_errands(self, errands: list[Any], *, is_all: bool = False) -> None:
        self.taken += errands
        self.in_one_go += [is_all]

    def take(self, message: Any, body: Any = None) -> None:
        self.strategy(message, body, message.ack_log_error, message.reject_log_error, [])

    @property
    def went(self) -> str:
        assert len(self.taken) + len(self.celerys) == 1
        return "pool" if self.taken else "Celery"


@pytest.fixture
def office(
    app: Celery, eventer: Eventer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Office]:
    monkeypatch.setattr(
        strategy, "default", lambda *_: lambda message, *rest: found.celerys.append((message, *rest))
    )
    caplog.set_level(logging.INFO, logger="celery.worker.strategy")
    found = Office(app, eventer)
    yield found
    for errand in found.taken:
        state.task_ready(errand.request)


def test_an_ordinary_mail_is_a_request_that_is_reserved_told_of_and_taken(
    office: Office, message: Callable[..., Any], eventer: Eventer
) -> None:
    office.take(message("m"))
    request = office.taken[0].request

    assert request.id == "m"
    assert request.parameters == {"subject": "canary"}
    assert request in state.reserved_requests
    [event] = eventer.events
    assert (event["type"], event["uuid"], event["name"]) == ("task-received", "m", "send_email")
    assert "canary" not in str(event)
    assert event.keys() == {
        *("type", "uuid", "name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires")
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"eta": "2030-01-01T00:00:00+00:00"},
        {"expires": "2030-01-01T00:00:00+00:00"},
        {"group": "g"},
        {"retries": 1},
        {"stamped_headers": ["s"]},
        {"embed": {"callbacks": [{"task": "x"}], "errbacks": None, "chain": None, "chord": None}},
        {"embed": {"callbacks": None, "errbacks": None, "chain": [{"task": "x"}], "chord": None}},
    ],
    ids=["eta", "expires", "group", "retries", "stamps", "link", "chain"],
)
def test_what_asks_more_of_celery_goes_its_way(
    asked: dict[str, Any], office: Office, message: Callable[..., Any]
) -> None:
    office.take(message("m", **asked))

    assert office.went == "Celery"


@pytest.mark.parametrize(
    "nothing_asked",
    [
        {"eta": None, "expires": None, "group": None, "retries": 0, "stamped_headers": None},
        {"embed": {"callbacks": None, "errbacks": [], "chain": None, "chord": None}},
        {"embed": {}},
    ],
)
def test_what_is_said_and_empty_asks_nothing(
    nothing_asked: dict[str, Any], office: Office, message: Callable[..., Any]
) -> None:
    office.take(message("m", **nothing_asked))

    assert office.went == "pool"


def test_under_a_rate_limit_celery_holds_mails_back(office: Office, message: Callable[..., Any]) -> None:
    office.consumer.task_buckets["send_email"] = object()
    office.take(message("m"))

    assert office.went == "Celery"


def test_a_body_that_somebody_decoded_already_goes_celerys_way(
    office: Office, message: Callable[..., Any]
) -> None:
    office.take(message("m"), body=[[], {}, {}])

    assert office.went == "Celery"


def test_the_first_protocol_of_celery_goes_celerys_way(office: Office, message: Callable[..., Any]) -> None:
    first = message("m")
    first._decoded_cache = {"task": "send_email", "id": "m", "args": [], "kwargs": {}}  # noqa: SLF001 (kombu's)
    office.take(first)

    assert office.went == "Celery"


def test_a_revoked_mail_goes_to_the_pool_which_has_it_cancelled(
    office: Office, message: Callable[..., Any]
) -> None:
    state.revoked.add("revoked mail")
    try:
        office.take(message("revoked mail"))
    finally:
        state.revoked.discard("revoked mail")

    assert office.went == "pool"


def test_the_signal_and_the_line_of_a_received_task_are_celerys_and_show_no_argument(
    office: Office, message: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    def hear(request: Any, **_: Any) -> None:
        heard.append(request)

    signals.task_received.connect(hear)
    try:
        office.take(message("m"))
    finally:
        signals.task_received.disconnect(hear)

    assert heard == [errand.request for errand in office.taken]
    assert caplog.messages == ["Task send_email[m] received"]
    assert {record.name for record in caplog.records} == {"celery.worker.strategy"}
    assert "canary" not in str([record.__dict__ for record in caplog.records])


class TestWhatIsFetched:
    """What was fetched from Redis, and became no message of kombu's."""

    @pytest.fixture
    def fetched(self, entry: Callable[..., bytes]) -> list[Fetched]:
        """Two mails, and between them something else."""
        return [
            Fetched("1", "bulk", entry("a")),
            Fetched("2", "bulk", b"nonsense"),
            Fetched("3", "reset", entry("b")),
        ]

    def test_the_ordinary_ones_are_reserved_told_of_and_taken_together(
        self, office: Office, channel: Channel, eventer: Eventer, fetched: list[Fetched]
    ) -> None:
        left = office.strategy.take_fetched(channel, fetched)
        requests = [errand.request for errand in office.taken]

        assert left == [fetched[1]]
        assert [(each.id, each.lane) for each in requests] == [("a", "bulk"), ("b", "reset")]
        assert all(each in state.reserved_requests and state.requests[each.id] is each for each in requests)
        assert requests[0].parameters == {"subject": "canary"}
        assert "canary" not in str(eventer.events)
        assert channel.written_out == 0
        assert office.in_one_go == [True]

    def test_monitors_hear_the_same_as_of_a_message_of_kombus(
        self, office: Office, channel: Channel, eventer: Eventer, fetched: list[Fetched]
    ) -> None:
        office.take(channel.message_of(fetched[0]))
        office.strategy.take_fetched(channel, fetched[:1])

        assert eventer.events[0] == eventer.events[1]

    def test_under_a_rate_limit_all_go_the_long_way(
        self, office: Office, channel: Channel, fetched: list[Fetched]
    ) -> None:
        office.consumer.task_buckets["send_email"] = object()

        assert office.strategy.take_fetched(channel, fetched) == fetched

    def test_who_listens_to_celerys_signal_gets_requests_in_full(
        self, office: Office, channel: Channel, fetched: list[Fetched]
    ) -> None:
        def hear(**_: Any) -> None:
            """Do nothing."""

        signals.task_received.connect(hear)
        try:
            assert office.strategy.take_fetched(channel, fetched) == fetched
        finally:
            signals.task_received.disconnect(hear)

    def test_what_cannot_be_taken_up_is_left_and_costs_no_other(
        self, office: Office, channel: Channel, fetched: list[Fetched]
    ) -> None:
        def fail_once(request: Any) -> Errand:
            if request.id == "a":
                raise MemoryError
            return errand(request)

        office.consumer.pool.errand = fail_once

        assert office.strategy.take_fetched(channel, fetched) == fetched[:2]
        assert [each.request.id for each in office.taken] == ["b"]

    def test_celerys_line_is_written_for_each_and_shows_no_argument(
        self, office: Office, channel: Channel, fetched: list[Fetched], caplog: pytest.LogCaptureFixture
    ) -> None:
        office.strategy.take_fetched(channel, fetched)

        assert caplog.messages == ["Task send_email[a] received", "Task send_email[b] received"]
        assert "canary" not in str([record.__dict__ for record in caplog.records])
        assert channel.written_out == 0
