"""A journal over a Redis in this process, and entries for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import fakeredis
import pytest

from tasks.journal.control import Control
from tasks.journal.entries import Entry
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.records import Claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

MakeJournal: TypeAlias = "Callable[..., Journal]"


@pytest.fixture
def redis() -> Iterator[Redis]:
    """An empty Redis."""
    with fakeredis.FakeRedis() as client:
        yield client


@pytest.fixture
def journal_with(redis: Redis) -> MakeJournal:
    """Makes a journal over the same Redis with other options."""
    return lambda **options: Journal(redis, options=JournalOptions(**options))


@pytest.fixture
def journal(journal_with: MakeJournal) -> Journal:
    """A journal with the usual options."""
    return journal_with()


@pytest.fixture
def control(redis: Redis) -> Control:
    """What callers do to mails, over the same Redis."""
    return Control(redis)


@pytest.fixture
def take() -> Callable[[Journal, str], Claim]:
    """Accepts a mail and takes it up."""

    def accept_and_begin(journal: Journal, mail_id: str = "m") -> Claim:
        journal.accept([Entry(mail_id, "default", "{}")])
        [claim] = journal.begin([mail_id])
        assert isinstance(claim, Claim)
        return claim

    return accept_and_begin
