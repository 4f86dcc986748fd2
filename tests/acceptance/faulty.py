"""
A worker that dies, or breaks, at an exact step: `python -m tests.acceptance.faulty -A worker.app worker …`.

FAULT names the step, and FUSES a folder: each file in it is one fault, taken away as it comes about, so that
a worker that is started again knows how many are left. The product knows nothing of this.
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from celery.__main__ import main

from tasks.contract.result import Delivery
from tasks.delivery import preparation
from tasks.journal.journal import Journal
from tasks.journal.logbook.logbook import Logbook
from tasks.journal.records import Claim
from tasks.smtp.wire import Wire
from worker.dispatch import strategy
from worker.trims.channel import FetchingChannel
from worker.trims.in_flight import InFlight, Room

if TYPE_CHECKING:
    from collections.abc import Callable


#: What ends a program that does not expect it, in turn.
ENDINGS = itertools.cycle((MemoryError, SystemExit, KeyboardInterrupt))


def burn() -> bool:
    """Take a fuse away; False once there is none."""
    for fuse in Path(os.environ["FUSES"]).iterdir():
        try:
            fuse.unlink()
        except FileNotFoundError:
            continue
        return True
    return False


def die() -> None:
    """End this process as the kernel would, if there is a fuse."""
    if burn():
        os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    """Stop the thread that comes here for good, if there is a fuse."""
    if burn():
        time.sleep(3600)


def fill_window() -> None:
    """Have the channel fetch one by one, and believe from the first fuse on that it has all it may."""
    is_full: list[bool] = []

    def room(in_flight: InFlight, *_: object, **__: object) -> Room:
        if len(in_flight) and burn():
            is_full.append(True)
        return Room(0 if is_full else 1, 0, grows=False)

    InFlight.room = room  # type: ignore[method-assign, assignment]  # a fault of its own


def end_program() -> None:
    """Raise one error after the other that ends programs."""
    if burn():
        raise next(ENDINGS)


def before(owner: Any, name: str, fault: Callable[[], None], when: Callable[..., Any] = bool) -> None:
    """Have *fault* come before *name* is called, if *when* wants that for its arguments after self."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **options: Any) -> Any:
        if when(*args[1:]):
            fault()
        return original(*args, **options)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str, fault: Callable[[], None], when: Callable[..., Any] = bool) -> None:
    """Have *fault* come after *name* has returned something that *when* wants."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **options: Any) -> Any:
        answer = original(*args, **options)
        if when(answer):
            fault()
        return answer

    setattr(owner, name, wrapped)


def _any_sent(settled: Any) -> bool:
    return any(result.delivery is Delivery.SENT for _, _, result, _ in settled)


def _any_allowed(answers: Any) -> bool:
    return any(answers[1])


def _any_claim(grips: Any) -> bool:
    return any(isinstance(grip, Claim) for grip in grips)


def _is_killer(_mail: Any, request: Any, *_: Any) -> bool:
    return "kills" in request.metadata


def _always(*_: Any) -> bool:
    return True


def shorten_memory() -> None:
    """Leave little memory to whoever composes a mail with attachments, and all of it again afterwards."""
    original = preparation.compose

    def wrapped(request: Any, *args: Any, **options: Any) -> Any:
        if not request.attachments:
            return original(request, *args, **options)
        usual = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_used() + 15 * 1024 * 1024, usual[1]))
        try:
            return original(request, *args, **options)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, usual)

    preparation.compose = wrapped


def _used() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


FAULTS: dict[str, Callable[[], None]] = {
    "begun": lambda: after(Journal, "begin", die, _any_claim),
    "unmarked": lambda: before(Journal, "finish_and_mark", die, _always),
    "marked": lambda: after(Journal, "finish_and_mark", die, _any_allowed),
    "dot noted": lambda: after(Logbook, "send_dots", die, _always),
    "answered": lambda: before(Journal, "finish", die, _any_sent),
    "finished": lambda: after(Journal, "finish", die, any),
    "short of memory": shorten_memory,
    "fetched": lambda: before(FetchingChannel, "_hand_on", die),
    "killed by a mail": lambda: before(preparation.Preparation, "_compose", die, _is_killer),
    "frozen": lambda: before(strategy, "read_ordinary", freeze, _always),
    "full": fill_window,
    "error while composing": lambda: before(preparation, "compose", end_program, _always),
    "error while sending": lambda: before(Wire, "send", end_program, _always),
}


def run() -> NoReturn:
    """Become the worker with the fault."""
    FAULTS[os.environ["FAULT"]]()
    main()
    raise AssertionError("celery exits by itself")


if __name__ == "__main__":
    sys.argv[0] = "celery"
    run()
