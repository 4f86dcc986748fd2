"""What the consumer's thread notes of requests that are being carried."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from celery.worker import request as celerys
from celery.worker import state

from worker.dispatch.events import Told, tell
from worker.dispatch.lean import LeanRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.send_email import DiscreetRequest

# Celery's own, which writes a line about each where it may.
_logger = logging.getLogger(celerys.__name__)
_state: Any = state


def accept(requests: Iterable[DiscreetRequest], moment: float) -> None:
    """
    Note that *requests* are being carried since *moment*, on the monotonic clock.

    It is what Celery's `Request.on_accepted` does, for many together, and does nothing about those that were
    noted before.
    """
    pid: Any = os.getpid()
    is_told = _logger.isEnabledFor(logging.DEBUG)
    lean: list[LeanRequest] = []
    for request in requests:
        if request.time_start is not None:
            continue
        if isinstance(request, LeanRequest) and not is_told and request._terminate_on_ack is None:  # noqa: SLF001 (Celery's)
            lean.append(request)
        else:
            request.on_accepted(pid, moment)
    began = time.time() - (time.monotonic() - moment)
    for request in lean:
        request.worker_pid, request.time_start = pid, began
        _state.requests[request.id] = request
        _state.active_requests.add(request)
    _state.total_count[LeanRequest.name] += len(lean)
    _state.all_total_count[0] += len(lean)
    tell(lean, [Told("task-started", request.id) for request in lean])
