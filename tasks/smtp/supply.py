"""The mails of a run that no connection has begun, and those that one has."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from tasks.smtp.job import Job
from tasks.smtp.submission import hear_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.smtp.submission import Hear, Submission


class Supply:
    """
    A run whose mails are handed out one by one; another thread may take back those that are left.

    So the mails behind one that hangs need not wait for it.
    """

    def __init__(self, run: Iterable[Submission]) -> None:
        self._left = deque(run)
        self._lock = threading.Lock()

    def next(self) -> Submission | None:
        """Hand out the next mail; None where none is left."""
        with self._lock:
            return self._left.popleft() if self._left else None

    def withdraw(self) -> list[Submission]:
        """Take back the mails that were not handed out."""
        with self._lock:
            left, self._left = list(self._left), deque()
            return left


class Line:
    """
    The mails of a *supply* as a connection sees them: the one whose turn it is, and the one behind it.

    A mail is handed out when it is looked at. *jobs* are all that ever were.
    """

    def __init__(self, supply: Supply, hear: Hear = hear_nothing) -> None:
        self._supply = supply
        self._hear = hear
        self._begun: deque[Job] = deque()
        self.jobs: list[Job] = []

    def __bool__(self) -> bool:
        return bool(self._begun) or self._reaches(1)

    @property
    def first(self) -> Job:
        """The mail whose turn it is; only while there is one."""
        if not self._begun:
            self._reaches(1)
        return self._begun[0]

    @property
    def second(self) -> Job | None:
        """The mail behind it, if there is one."""
        return self._begun[1] if self._reaches(2) else None

    def leave(self) -> Job:
        """Let the first one go, and return it."""
        job = self.first
        self._begun.popleft()
        return job

    def _reaches(self, count: int) -> bool:
        while len(self._begun) < count:
            submission = self._supply.next()
            if submission is None:
                return False
            job = Job(submission, self._hear)
            self._begun.append(job)
            self.jobs.append(job)
        return True
