"""A delivery service with a journal in this process, a scripted transport, and a clock that sleep moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest

from tasks.delivery.accounts import Account, Accounts
from tasks.delivery.delivery import DeliveryService
from tasks.delivery.job import Job
from tasks.delivery.letters import NoLetters
from tasks.delivery.preparation import Preparation
from tasks.delivery.retry import RetryPolicy
from tasks.delivery.routing import Router
from tasks.delivery.sealing import SealPolicy
from tasks.failures import Receipt, Reply
from tasks.journal.control import Control
from tasks.journal.journal import Journal, JournalOptions
from tasks.journal.leases import LeaseKeeper
from tasks.message.attachments import AttachmentPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.delivery.job import Verdict
    from tasks.delivery.letters import Letters
    from tasks.failures import Answer
    from tasks.journal.sealing import Seal
    from tasks.smtp.route import Route
    from tasks.smtp.submission import GoOn, Hear, Mark, Submission
    from tasks.smtp.supply import Supply

OK = Receipt(Reply(250, "Ok: queued as ABC123", "2.0.0"))


@dataclass
class Clock:
    """Seconds that pass when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class ScriptedTransport:
    """Answers each submission with the next of *answers*, and the last one for ever; records what it got."""

    answers: list[Answer]
    marks: bool = True
    on_submit: Callable[[], object] = lambda: None
    tried: list[Submission] = field(default_factory=list)
    runs: list[tuple[Route, int]] = field(default_factory=list)

    def submit(
        self, route: Route, supply: Supply, *, mark: Mark, hear: Hear, goes_on: GoOn
    ) -> list[Answer | None]:
        run = supply.withdraw()
        self.runs.append((route, len(run)))
        self.tried += run
        if self.marks:
            mark(run)
        self.on_submit()
        return [self._answer(submission, hear) if goes_on() else None for submission in run]

    def _answer(self, submission: Submission, hear: Hear) -> Answer:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        hear(submission, answer)
        return answer

    @property
    def recipients(self) -> list[tuple[str, ...]]:
        """Whom each transaction was for."""
        return [submission.envelope.recipients for submission in self.tried]


@dataclass
class Desk:
    """Everything around one delivery service."""

    redis: fakeredis.FakeRedis
    clock: Clock
    transport: ScriptedTransport
    account: dict[str, Any]
    lease: float = 60.0
    hold: float = 3.0
    seal: Seal | None = None
    is_seal_required: bool = False
    letters: Letters = field(default_factory=NoLetters)
    keepers: list[LeaseKeeper] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        """The journal, with the desk's lease."""
        return Journal(self.redis, options=JournalOptions(lease=self.lease))

    def service(self) -> DeliveryService:
        """A service as a worker process has it."""
        accounts = Accounts([Account(name="default", **self.account)])
        self.keepers.append(LeaseKeeper(Journal(self.redis)))
        return DeliveryService(
            journal=self.journal,
            control=Control(self.redis, seal=self.seal),
            leases=self.keepers[-1],
            preparation=Preparation(
                Router(accounts),
                AttachmentPolicy(),
                lambda _: None,
                sealing=SealPolicy(self.seal, is_required=self.is_seal_required),
                letters=self.letters,
            ),
            transport=self.transport,
            policy=RetryPolicy(hold=self.hold),
            sleep=self.clock.sleep,
            clock=self.clock,
        )

    def deliver(self, *messages: dict[str, Any], first_id: int = 1) -> list[Verdict]:
        """Deliver *messages* as one run; what they leave out is filled in."""
        usual = {"to": "ann@example.org", "subject": "s", "body": "b"}
        jobs = [Job(f"m{i}", "default", {**usual, **m}) for i, m in enumerate(messages, start=first_id)]
        return self.service().deliver(jobs)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk whose server accepts everything."""
    with fakeredis.FakeRedis() as redis:
        account = {"host": "smtp.example.org", "sender": "desk@example.org"}
        desk = Desk(redis, Clock(), ScriptedTransport([OK]), account)
        yield desk
        # What a test leaves in hand would be renewed, and told to be lost, during others.
        for keeper in desk.keepers:
            keeper.close()
