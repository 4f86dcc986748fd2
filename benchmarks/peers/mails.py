"""What every contender in Python enqueues, and how it reports; peers import nothing of ours but this."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BODY = "Somebody asked for a new password for your account. Ignore this if it was not you.\n" * 12

#: Mails a second where the latency is measured.
RATE = 50.0


def mail(number: int) -> dict[str, str]:
    """Return the mail *number*, of about a kilobyte."""
    return {"to": f"ann{number}@example.com", "subject": f"Mail {number}", "body": BODY}


def report(enqueue: Callable[[int], Iterable[str]], count: int) -> None:
    """Time *enqueue* of *count* mails, then print when it began and ended and the keys of all results."""
    processor, began = time.process_time(), time.time()
    keys = list(enqueue(count))
    ended, processor = time.time(), time.process_time() - processor
    lines = [f"began {began}", f"ended {ended}", f"cpu {processor}", *(f"key {key}" for key in keys)]
    sys.stdout.write("\n".join(lines) + "\n")


def paced(enqueue: Callable[[int], str], count: int) -> None:
    """Call *enqueue* for *count* mails at a steady rate; print each key with the moment of the call."""
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        asked = time.time()
        sys.stdout.write(f"sent {enqueue(number)} {asked}\n")
        sys.stdout.flush()
