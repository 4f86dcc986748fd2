"""A post office and its own Redis, with what the rows about queues do and ask in common."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from producers.errors import QueueUnavailable
from tasks.contract.result import Delivery
from tests.acceptance.oracle import examine
from tests.acceptance.post_office import HURRY
from tests.scoreboard import Measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.oracle import Findings
    from tests.acceptance.post_office import PostOffice, Worker
    from tests.scoreboard import Scoreboard
    from tests.servers.redis_server import RedisServer

#: Seconds in which mails must go out again once Redis answers.
BACK: Final = 15.0


@dataclass
class IllOffice:
    """The office, the server that is ill-treated, and where the row notes what it saw."""

    office: PostOffice
    redis: RedisServer
    scoreboard: Scoreboard

    def open(self, *, supervised: bool = True, **options: Any) -> Worker:
        """Start a worker as the Procfile does; it may exit, since it is started again."""
        return self.office.open(supervised=supervised, **{**HURRY, **options})

    def amid(self, count: int, **parameters: object) -> list[str]:
        """Hand mails in, and return at some moment while they are being sent."""
        before = self.dots
        ids = self.office.enqueue(count, **parameters)
        until = before + random.randint(2, max(2, count // 3))  # noqa: S311 (any moment)
        self.office.wait_until(lambda: self.dots >= until, "mails on their way", seconds=40)
        return ids

    @property
    def dots(self) -> int:
        """How many dots the server has seen."""
        return len(self.office.server.dots)

    def resumes(self, since: float, *, most: float = BACK) -> None:
        """Wait until another mail goes out, and note how long that took *since* Redis was well again."""
        seen = self.dots
        self.office.wait_until(lambda: self.dots > seen, "another mail", seconds=most + 15)
        seconds = time.monotonic() - since
        self.scoreboard.note(Measure.REDIS_RECOVERY, seconds)
        assert seconds <= most

    def refuses(self, *, most: float, **parameters: object) -> bool:
        """Whether one more mail is refused; it is answered in time, whatever the answer is."""
        began = time.monotonic()
        try:
            self.office.enqueue(**parameters)
        except QueueUnavailable:
            is_refused = True
        else:
            is_refused = False
        seconds = time.monotonic() - began
        self.scoreboard.note(Measure.ENQUEUE, seconds)
        assert seconds <= most
        return is_refused

    def judge(self, *, unknown: int = 0, seconds: float = 60.0) -> Findings:
        """Let all mails come to their end; nothing is lost or doubled, and *unknown* may be unknown."""
        findings = examine(self.office, seconds=seconds)
        of = len(findings.results) + len(findings.open)
        self.scoreboard.note(Measure.LOST, len(findings.lost), of=of)
        self.scoreboard.note(Measure.DUPLICATES, len(findings.doubled), of=of)
        self.scoreboard.note(Measure.UNKNOWN, len(findings.of(Delivery.UNKNOWN)), of=of)
        findings.hold(unknown=unknown)
        return findings

    def wait_until(self, condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
        """Wait as the office does."""
        self.office.wait_until(condition, what, seconds=seconds)
