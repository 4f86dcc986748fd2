"""A delivery service of its own before a scripted server, for rows of the fault matrix."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import fakeredis
import pytest

from tasks.delivery.accounts import Account, Accounts
from tasks.delivery.delivery import DeliveryService
from tasks.delivery.job import Job, Settled
from tasks.delivery.preparation import Preparation
from tasks.delivery.retry import RetryPolicy
from tasks.delivery.routing import Router
from tasks.journal.control import Control
from tasks.journal.journal import Journal
from tasks.journal.leases import LeaseKeeper
from tasks.message.attachments import AttachmentPolicy
from tasks.smtp.transport import SmtpTransport
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.scoreboard import Measure, Scoreboard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.contract.result import SendEmailResult

OFFERS = {
    "pipelined": Offer(),
    "lockstep": Offer(extensions=("8BITMIME", "ENHANCEDSTATUSCODES")),
}


@dataclass
class Office:
    """A delivery service and the server that it sends to."""

    server: ScriptedServer
    transport: SmtpTransport
    scoreboard: Scoreboard

    def send(self, *, port: int = 0, **parameters: Any) -> SendEmailResult:
        """Send one mail and return its result, which must be there in time."""
        message = {"to": "ann@example.org", "subject": "s", "body": "b", "timeout": 2000, **parameters}
        account = Account(
            name="default",
            host="127.0.0.1",
            port=port or self.server.port,
            security=None,
            sender="desk@example.org",
        )
        with fakeredis.FakeRedis() as redis:
            journal = Journal(redis)
            service = DeliveryService(
                control=Control(redis),
                journal=journal,
                leases=LeaseKeeper(journal),
                preparation=Preparation(Router(Accounts([account])), AttachmentPolicy(), lambda _: None),
                transport=self.transport,
                policy=RetryPolicy(first=0.05, longest=0.2),
            )
            started = time.monotonic()
            [verdict] = service.deliver([Job("m", "default", message)])
            elapsed = time.monotonic() - started
        self.scoreboard.note(Measure.OVERRUN, elapsed - message["timeout"] / 1000)
        assert isinstance(verdict, Settled)
        assert elapsed <= message["timeout"] / 1000 + 1.0
        return verdict.result

    @property
    def copies(self) -> Counter[str]:
        """How many accepted mails each recipient is in."""
        return Counter(recipient for mail in self.server.mails for recipient in mail.recipients)


OpenOffice: TypeAlias = Callable[..., Office]


@pytest.fixture(params=OFFERS.values(), ids=OFFERS)
def open_office(request: pytest.FixtureRequest, scoreboard: Scoreboard) -> Iterator[OpenOffice]:
    """Opens an office whose server follows a script; every row holds with pipelining and without."""
    with ExitStack() as stack:

        def open_one(**script: Any) -> Office:
            server = stack.enter_context(ScriptedServer(Script(**script), request.param))
            transport = SmtpTransport()
            stack.callback(transport.close)
            return Office(server, transport, scoreboard)

        yield open_one
