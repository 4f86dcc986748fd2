"""Garbage and broken connections: before the dot a passing failure, behind it an open outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure, Unconfirmed
from tasks.testing.actions import Drop, Reset, Say, Silence
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.integration.smtp.breaks import BEFORE_THE_DOT, GARBAGE

if TYPE_CHECKING:
    from tasks.testing.actions import Action
    from tasks.testing.offer import Offer
    from tests.integration.smtp.conftest import Desk


@pytest.mark.parametrize("action", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(("step", "phase"), BEFORE_THE_DOT.items(), ids=BEFORE_THE_DOT)
def test_s5_garbage_before_the_dot_is_a_passing_failure(
    desk: Desk, offer: Offer, step: str, phase: Phase, action: Action
) -> None:
    with ScriptedServer(Script(**{step: (action,)}), offer) as server:
        answer, again = desk.send_one(server), desk.send_one(server)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.phase) == (LocalCode.PROTOCOL, phase)
    assert isinstance(again, Receipt)
    assert len(server.dots) == 1


@pytest.mark.parametrize("action", GARBAGE.values(), ids=GARBAGE)
def test_s5_garbage_after_the_dot_leaves_the_outcome_open(desk: Desk, offer: Offer, action: Action) -> None:
    with ScriptedServer(Script(dot=(action,)), offer) as server:
        first, second = desk.send(server, desk.mail(), desk.mail())

    assert isinstance(first, Unconfirmed)
    assert first.reply.code == LocalCode.UNKNOWN
    assert isinstance(second, Receipt)
    assert len(server.dots) == 2


@pytest.mark.parametrize("break_off", [Drop(), Reset()], ids=["dropped", "reset"])
@pytest.mark.parametrize("step", BEFORE_THE_DOT)
def test_s6_a_break_before_the_dot_is_a_passing_failure(
    desk: Desk, offer: Offer, step: str, break_off: Action
) -> None:
    with ScriptedServer(Script(**{step: (break_off,)}), offer) as server:
        answer, again = desk.send_one(server), desk.send_one(server)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.CONNECT
    assert isinstance(again, Receipt)
    assert len(server.dots) == 1


def test_s6_a_break_inside_a_large_content_is_a_passing_failure(desk: Desk, offer: Offer) -> None:
    large = b"x" * 70 + b"\r\n"
    with ScriptedServer(Script(body=(Reset(),)), offer) as server:
        (answer,) = desk.send(server, desk.mail(body=large * 100_000))

    assert isinstance(answer, TransientFailure)
    assert answer.phase is Phase.DATA
    assert server.dots == []
    assert desk.marked == []


def test_s6_the_reason_that_a_server_gives_in_mid_content_is_kept(desk: Desk, offer: Offer) -> None:
    large = b"x" * 70 + b"\r\n"
    with ScriptedServer(Script(body=(Drop("552 5.3.4 message too big"),)), offer) as server:
        (answer,) = desk.send(server, desk.mail(body=large * 1000))

    assert isinstance(answer, Failure)
    assert not isinstance(answer, Unconfirmed)
    assert server.dots == []


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ("552 5.3.4 message too big", PermanentFailure, 552),
        ("451 4.3.1 no room for it", TransientFailure, 451),
        ("421 4.3.2 closing down", TransientFailure, 421),
    ],
    ids=["for good", "for now", "with the connection"],
)
def test_s12_a_refusal_in_mid_content_is_the_servers_own_and_leaves_nothing_open(
    desk: Desk, offer: Offer, reply: str, kind: type[Failure], code: int
) -> None:
    """The server reads on to an end that never comes."""
    # More than the kernel's buffers hold: it cannot be out before the server has answered.
    large = b"x" * 70 + b"\r\n"
    script = Script(body=(Say(reply),), rcpt={"bob@example.com": "550 5.1.1 no such user"})
    with ScriptedServer(script, offer) as server:
        refused = desk.mail("ann@example.com", "bob@example.com", body=large * 200_000, budget=30)
        first, second = desk.send(server, refused, desk.mail())

    assert type(first) is kind
    assert (first.reply.code, first.reply.text, first.phase) == (code, reply[10:], Phase.DATA)
    assert {to: reply.code for to, reply in first.recipients.items()} == {"bob@example.com": 550}
    assert isinstance(second, Receipt)
    assert desk.marked == ["mail-2"]
    assert len(server.transcripts) == 2
    assert len(server.dots) == 1


@pytest.mark.parametrize("break_off", [Drop(), Reset()], ids=["dropped", "reset"])
def test_s7_a_break_after_the_dot_leaves_the_outcome_open(
    desk: Desk, offer: Offer, break_off: Action
) -> None:
    with ScriptedServer(Script(dot=(break_off,)), offer) as server:
        first, second = desk.send(server, desk.mail(), desk.mail())

    assert isinstance(first, Unconfirmed)
    assert first.phase is Phase.FINAL
    assert isinstance(second, Receipt)
    assert len(server.dots) == 2


def test_s8_an_acceptance_that_comes_too_late_leaves_the_outcome_open(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(dot=(Say("250 ok", delay=3.0),)), offer) as server:
        (answer,) = desk.send(server, desk.mail(budget=0.6))

    assert isinstance(answer, Unconfirmed)
    assert 0.55 <= desk.seconds <= 1.1
    assert len(server.dots) == 1


@pytest.mark.parametrize("step", [*BEFORE_THE_DOT, "dot"])
def test_s10_421_is_a_passing_failure_and_ends_the_connection(desk: Desk, offer: Offer, step: str) -> None:
    with ScriptedServer(Script(**{step: (Say("421 4.3.2 closing down"),)}), offer) as server:
        answer, again = desk.send_one(server), desk.send_one(server)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.reply.text) == (421, "closing down")
    assert isinstance(again, Receipt)
    assert len(server.transcripts) == 2
    assert len(server.mails) == 1


def test_s10_421_at_the_second_recipient_sends_to_nobody(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt={"bob@example.com": Drop("421 4.7.0 enough")})
    with ScriptedServer(script, offer) as server:
        (answer,) = desk.send(server, desk.mail("ann@example.com", "bob@example.com"))

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == 421
    assert server.dots == []


def test_s10_after_a_421_nothing_more_is_waited_for(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(mail="421 closing down", rcpt=Silence()), offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == 421
    assert desk.seconds < 1
