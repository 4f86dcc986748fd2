"""Our own enqueueing, in the product's environment: many|one|gathered|celery|paced N."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from benchmarks.peers.mails import mail, paced, report
from producers.async_client import AsyncMailer
from producers.client import Mailer

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = os.environ["BENCH_REDIS"]
KEYS = os.environ["POSTROOM_SEALING_KEYS"].split(";")
FILE = os.environ.get("BENCH_FILE")
MORE: dict[str, object] = {"attachments": [FILE]} if FILE else {}


def many(count: int) -> Iterator[str]:
    """Use `enqueue_many`."""
    messages = ({**mail(number), **MORE} for number in range(count))
    return _keys(mailer.enqueue_many(messages).ids)


def one(count: int) -> list[str]:
    """Call `enqueue` for each mail."""
    return [single(number) for number in range(count)]


def gathered(count: int) -> list[str]:
    """Await a hundred calls of `AsyncMailer.enqueue` at a time."""

    async def all_of_them() -> list[str]:
        ids: list[str] = []
        async with AsyncMailer(URL, sealing_keys=KEYS) as asynchronous:
            for start in range(0, count, 100):
                numbers = range(start, min(start + 100, count))
                ids += await asyncio.gather(
                    *(asynchronous.enqueue({**mail(n), **MORE}, lane="bulk") for n in numbers)
                )
        return ids

    return list(_keys(asyncio.run(all_of_them())))


def single(number: int) -> str:
    """Enqueue one mail and return the key of its result."""
    return f"celery-task-meta-{mailer.enqueue({**mail(number), **MORE}, lane='bulk')}"


def _keys(ids: tuple[str | None, ...] | list[str]) -> Iterator[str]:
    return (f"celery-task-meta-{mail_id}" for mail_id in ids)


way, number = sys.argv[1], int(sys.argv[2])
mailer = Mailer(URL, sealing_keys=KEYS)
if warm := int(os.environ.get("BENCH_WARM", "0")):
    mailer.enqueue_many(mail(n) for n in range(warm))
if way == "paced":
    paced(single, number)
else:
    report({"many": many, "one": one, "gathered": gathered}[way], number)
mailer.close()
