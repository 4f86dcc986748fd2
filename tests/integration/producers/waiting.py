"""How long a caller may be kept waiting, and by what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from producers.errors import (
    QueueUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable


MAIL: dict[str, Any] = {"to": "ann@example.org", "subject": "s", "body": "b"}
CANARY = "pr_0123456789ab_canary-of-an-api-key"
#: Seconds that a caller may wait, with a little for a busy machine.
WHEN_DOWN, WHEN_HUNG, BUSY = 1.0, 6.0, 1.0


def seconds_of(call: Callable[[], object], error: type[Exception] = QueueUnavailable) -> float:
    began = time.monotonic()
    with pytest.raises(error):
        call()
    return time.monotonic() - began
