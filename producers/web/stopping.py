"""Knowing that the process is to end, early enough to answer those who only wait."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_to_stop(stopping: asyncio.Event) -> Iterator[None]:
    """
    Set *stopping* when the process is told to end; what else was to happen then happens too.

    uvicorn waits for answers before it ends the application, so that an application which learns of the end
    from uvicorn has held answers back until then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in handlers.items():
        signal.signal(number, _also(lambda: loop.call_soon_threadsafe(stopping.set), handler))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _also(first: Callable[[], Any], then: Any) -> Callable[[int, Any], None]:
    def handle(number: int, frame: Any) -> None:
        first()
        if callable(then):
            then(number, frame)

    return handle
