"""Mails for a sweeper, older than they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.contract.names import Lane
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.sweeper import Sweeper

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis import Redis

ALL_EMPTY = frozenset(lane.value for lane in Lane)


def strays(redis: Redis, *, empty: Collection[str] = ALL_EMPTY, patience: float = 0.0) -> list[str]:
    sweeper = Sweeper(redis, options=JournalOptions(patience=patience), batch=2)
    return [stray.mail_id for stray in sweeper.sweep(lambda: empty)]


def accept(journal: Journal, *mail_ids: str, delay: float = 0.0) -> None:
    journal.accept([Entry(mail_id, "default", "{}", delay=delay) for mail_id in mail_ids])


def age(redis: Redis, mail_id: str, milliseconds: int) -> None:
    """Let the mail have been accepted and published that much earlier."""
    for name in ("accepted", "due", "published"):
        redis.hincrby(f"postroom:mail:{mail_id}", name, -milliseconds)
    redis.zincrby("postroom:open", -milliseconds, mail_id)
