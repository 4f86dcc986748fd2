"""The engine keeps its promises where many sessions share one thread."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from tasks.contract.security import Security
from tasks.failures import Receipt, Unconfirmed
from tasks.smtp.trust import ServerTrust
from tasks.testing.actions import Say, Silence
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.fibers import carry

if TYPE_CHECKING:
    from tests.integration.smtp.conftest import Certificates, Desk

BUDGET = 0.8
#: Seconds by which one that was held up by the others would be late.
SLACK = 0.3
LARGE = (b"x" * 70 + b"\r\n") * 200_000


def test_sessions_that_hang_drip_or_are_not_read_end_in_their_time_and_hold_up_no_other(desk: Desk) -> None:
    offer = Offer(extensions=("PIPELINING",))
    hostile = {
        "silence": Script(rcpt=Silence()),
        "drip": Script(rcpt=Say("250 2.1.5 recipient ok", every=0.1)),
        "dot": Script(dot=Say("250 2.0.0 accepted", every=0.1)),
        "unread": Script(body=Silence()),
    }
    took: dict[str, float] = {}
    answers: dict[str, Any] = {}
    began = time.monotonic()

    def send(name: str, server: ScriptedServer) -> None:
        mail = desk.mail(budget=BUDGET, body=LARGE if name == "unread" else b"hello\r\n")
        (answers[name],) = desk.transport.submit(desk.route(server), [mail], mark=desk.mark)
        took[name] = time.monotonic() - began

    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(ScriptedServer(script, offer)) for name, script in hostile.items()
        }
        servers["friendly"] = stack.enter_context(ScriptedServer(Script(), offer))
        began = time.monotonic()
        carry(*[partial(send, name, server) for name, server in servers.items()])

    assert isinstance(answers["friendly"], Receipt)
    assert took["friendly"] < BUDGET / 2
    assert isinstance(answers["dot"], Unconfirmed)
    for name in hostile:
        assert not isinstance(answers[name], Receipt)
        assert BUDGET - 0.05 <= took[name] <= BUDGET + SLACK, name


def test_sessions_under_tls_share_a_thread(desk: Desk, certificates: Certificates) -> None:
    offer = Offer(extensions=("PIPELINING",), context=certificates.right)
    run = [[desk.mail(body=LARGE) for _ in range(2)] for _ in range(4)]
    answers: list[Any] = []
    with ScriptedServer(Script(), offer) as server:
        route = desk.route(
            server, security=Security.STARTTLS, trust=ServerTrust(ca_file=certificates.ca_file)
        )
        carry(
            *[
                lambda mails=mails: answers.extend(desk.transport.submit(route, mails, mark=desk.mark))
                for mails in run
            ]
        )

    assert [type(answer) for answer in answers] == [Receipt] * 8
