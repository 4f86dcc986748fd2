"""A lean request is a request of Celery's in all that anybody can see of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from celery.worker import state
from celery.worker.request import Request

from tasks.send_email import DiscreetRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.unit.worker.dispatch.conftest import Channel, Eventer
    from worker.dispatch.lean import LeanRequest

#: What all requests are asked of which nothing comes wrong.
USUAL = ("id", "name", "lane", "parameters", "root_id", "channel", "time_start", "worker_pid", "acknowledged")
#: These hold the message, or are made anew each time; of the limits nothing is shown, and they are none.
OWN = {"message", "on_ack", "on_reject", "_on_ack", "_on_reject", "_context", "time_limits"}
SHOWN = sorted(
    name
    for name in dir(Request)
    if name not in OWN and not callable(getattr(Request, name)) and not name.startswith("__")
)


@pytest.fixture
def whole(app: Celery, eventer: Eventer, lean: Callable[..., LeanRequest]) -> Any:
    """The same request, made by kombu and Celery from the same message."""
    message: Any = lean().message
    return DiscreetRequest(
        message,
        on_ack=message.ack_log_error,
        on_reject=message.reject_log_error,
        app=app,
        hostname="w@h",
        eventer=eventer,
        task=app.tasks["send_email"],
        connection_errors=(OSError,),
    )


@pytest.mark.parametrize("name", [*SHOWN, "lane", "parameters", "channel", "is_part_of_canvas"])
def test_it_shows_what_celerys_own_shows(name: str, lean: Callable[..., LeanRequest], whole: Any) -> None:
    missing = object()

    assert getattr(lean(), name, missing) == getattr(whole, name, missing)


@pytest.mark.parametrize("options", [{}, {"safe": True}, {"safe": False}], ids=str)
def test_operators_are_told_the_same_and_no_argument(
    options: dict[str, bool], lean: Callable[..., LeanRequest], whole: Any
) -> None:
    found = lean().info(**options)

    assert found == whole.info(**options)
    assert "canary" not in str(found)
    assert repr(lean()).split(" ", 1)[1] == repr(whole).split(" ", 1)[1]


def test_what_every_mail_needs_is_had_without_a_message(
    lean: Callable[..., LeanRequest], channel: Channel
) -> None:
    request = lean()
    state.task_reserved(request)
    state.task_accepted(request)
    for name in USUAL:
        getattr(request, name)
    request.acknowledge()
    state.task_ready(request)

    assert channel.written_out == 0


def test_it_is_written_out_once(lean: Callable[..., LeanRequest], channel: Channel) -> None:
    request = lean()
    request.info()
    request.info()

    assert channel.written_out == 1


def test_a_thread_that_asks_while_another_writes_it_out_waits_for_that(
    lean: Callable[..., LeanRequest], channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = lean()
    make, waiting = channel.message_of, []

    def message_of(fetched: Any) -> Any:
        waiting.append(pool.submit(request.info))
        with pytest.raises(TimeoutError):
            waiting[0].result(0.05)
        return make(fetched)

    monkeypatch.setattr(channel, "message_of", message_of)
    with ThreadPoolExecutor(1) as pool:
        found = request.info()

        assert waiting[0].result(10.0) == found
    assert channel.written_out == 1


def test_it_is_acknowledged_once_however_much_of_it_there_is(
    lean: Callable[..., LeanRequest], channel: Channel
) -> None:
    request = lean()
    request.acknowledge()
    request.info()
    request.acknowledge()
    request.reject(requeue=True)

    assert (channel.acknowledged, channel.given_back) == (["tag of m"], [])
    assert request.info()["acknowledged"] is True


def test_it_is_given_back_as_any_request(
    lean: Callable[..., LeanRequest], channel: Channel, eventer: Eventer
) -> None:
    lean().reject(requeue=True)

    assert (channel.acknowledged, channel.given_back) == ([], ["tag of m"])
    assert [event["type"] for event in eventer.events] == ["task-rejected"]


def test_what_is_known_of_it_stays_when_it_is_written_out(
    lean: Callable[..., LeanRequest], eventer: Eventer
) -> None:
    """Celery gives reserved requests another dispatcher of events when the broker is back."""
    request: Any = lean()
    later = SimpleNamespace(enabled=True)
    request.eventer, request.time_start, request.worker_pid = later, 7.0, 8
    found = request.info()

    assert (found["time_start"], found["worker_pid"], request.eventer) == (7.0, 8, later)
    assert later is not eventer


def test_what_no_request_has_it_has_not_either(lean: Callable[..., LeanRequest]) -> None:
    request: Any = lean()

    assert not hasattr(request, "nonsense")
    assert not hasattr(type(request).__new__(type(request)), "nonsense"), (
        "nor does asking go round in circles"
    )
