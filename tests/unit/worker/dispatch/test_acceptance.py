"""That mails are being carried is noted and told as Celery does it."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery.worker import request as celerys
from celery.worker import state

from worker.dispatch.acceptance import accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.worker.dispatch.conftest import Eventer
    from worker.dispatch.items import Errand
    from worker.dispatch.lean import LeanRequest

_state: Any = state


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    _state.reset_state()


@pytest.fixture
def both(lean: Callable[..., LeanRequest], errand: Callable[..., Errand]) -> list[Any]:
    """A lean request and one in full."""
    return [lean("lean"), errand("full").request]


def test_lean_requests_are_noted_and_told_of_as_those_in_full(both: list[Any], eventer: Eventer) -> None:
    began = time.time()
    accept(both, time.monotonic())

    for request in both:
        assert request in _state.active_requests
        assert _state.requests[request.id] is request
        assert request.worker_pid == os.getpid()
        assert request.time_start == pytest.approx(began, abs=1.0)
    assert (_state.total_count["send_email"], _state.all_total_count) == (2, [2])
    assert sorted(eventer.events, key=lambda event: event["uuid"]) == [
        {"type": "task-started", "uuid": "full"},
        {"type": "task-started", "uuid": "lean"},
    ]


def test_what_has_its_turn_again_is_noted_once(both: list[Any], eventer: Eventer) -> None:
    accept(both, time.monotonic())
    accept(both, time.monotonic())

    assert len(eventer.events) == 2
    assert _state.all_total_count == [2]


def test_a_request_that_is_to_be_terminated_is_as_soon_as_it_is_carried(
    lean: Callable[..., LeanRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery marks those that nobody carries yet."""
    request: Any = lean()
    done: list[Any] = []
    monkeypatch.setattr(type(request), "terminate", lambda *arguments: done.append(arguments))
    request._terminate_on_ack = "pool", 15  # noqa: SLF001 (as Celery's own `terminate` does)
    accept([request], time.monotonic())

    assert done == [(request, "pool", 15)]


def test_celerys_line_about_an_accepted_task_is_written_where_it_is_wanted(
    both: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger=celerys.__name__)
    monkeypatch.setattr(celerys, "_does_debug", True)
    accept(both, time.monotonic())

    assert caplog.messages == [
        f"Task accepted: send_email[{name}] pid:{os.getpid()}" for name in ("lean", "full")
    ]
