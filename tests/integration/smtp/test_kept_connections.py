"""Connections that are kept: shared, probed, replaced, bounded, and thrown away upon any doubt."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure, Receipt, TransientFailure
from tasks.smtp.faults import LeaseLost
from tasks.smtp.pool import PoolLimits
from tasks.smtp.transport import SmtpTransport
from tasks.testing.actions import Drop, Pause, Reset, Say
from tasks.testing.offer import Offer
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.integration.smtp.conftest import Desk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.smtp.submission import Submission
    from tasks.testing.actions import Action


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_connection_is_kept_for_the_next_mail(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(offer=offer) as server:
        answers = [desk.send_one(server) for _ in range(5)]

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(server.transcripts) == 1
    assert server.count("EHLO") == 1


@pytest.mark.parametrize(
    "farewell", [Drop(), Drop("421 4.4.2 idle too long"), Reset()], ids=["eof", "421", "reset"]
)
def test_s16_a_connection_that_the_server_closed_meanwhile_is_replaced(
    desk: Desk, offer: Offer, farewell: Action
) -> None:
    with ScriptedServer([Script(mail=(None, farewell)), Script()], offer) as server:
        answers = [desk.send_one(server), desk.send_one(server), desk.send_one(server)]

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(server.transcripts) == 2
    assert len(server.dots) == 3


@pytest.mark.parametrize("farewell", [Drop(), Drop("421 4.7.0 too many mails")], ids=["eof", "421"])
def test_s16_a_server_that_takes_ten_mails_a_connection_gets_a_hundred(
    desk: Desk, offer: Offer, farewell: Action
) -> None:
    with ScriptedServer([Script(mail=(*[None] * 10, farewell))], offer) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(100)))

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(server.dots) == 100
    assert len(server.transcripts) == 10


def test_s16_a_kept_connection_is_replaced_only_once(desk: Desk, offer: Offer) -> None:
    with ScriptedServer([Script(mail=(None, Drop())), Script(mail=(Drop(),)), Script()], offer) as server:
        answers = [desk.send_one(server), desk.send_one(server), desk.send_one(server)]

    assert [type(answer) for answer in answers] == [Receipt, TransientFailure, Receipt]
    assert len(server.transcripts) == 3


def test_s16_all_connections_found_dead_cost_no_mail(desk: Desk) -> None:
    dying = Script(mail=(Pause(0.2), Drop()))
    with ScriptedServer([dying, dying, dying, Script()]) as server:
        threads = [threading.Thread(target=desk.send_one, args=(server,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answer = desk.send_one(server)

    assert len(server.transcripts) == 4
    assert isinstance(answer, Receipt)


def test_s17_a_connection_whose_reset_is_refused_is_thrown_away(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt={"bob@example.com": "550 no"}, rset="502 what?")
    with ScriptedServer(script, offer) as server:
        first, second = desk.send(server, desk.mail("bob@example.com"), desk.mail("ann@example.com"))

    assert isinstance(first, PermanentFailure)
    assert isinstance(second, Receipt)
    assert len(server.transcripts) == 2
    assert [mail.recipients for mail in server.dots] == [("ann@example.com",)]


def test_s17_no_recipient_of_a_mail_is_left_for_the_next(desk: Desk, offer: Offer) -> None:
    script = Script(data=("451 later",) * 20)
    with ScriptedServer(script, offer) as server:
        answers = desk.send(server, *(desk.mail(f"user{i}@example.com") for i in range(21)))

    assert [type(answer) for answer in answers] == [TransientFailure] * 20 + [Receipt]
    assert [mail.recipients for mail in server.dots] == [("user20@example.com",)]
    assert server.count("RSET") == 20


def test_s17_a_server_that_still_holds_the_mail_before_is_left(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(mail=(None, "503 5.5.1 nested MAIL")), offer) as server:
        answers = [desk.send_one(server), desk.send_one(server)]

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert len(server.transcripts) == 2


@pytest.mark.parametrize(
    "reply",
    ["452 4.5.3 Too many messages in this session", "450 4.7.1 Too many mails per connection, reconnect"],
    ids=["session", "connection"],
)
def test_s16_a_server_that_waits_for_the_client_to_leave_gets_its_wish(
    desk: Desk, offer: Offer, reply: str
) -> None:
    tired = Script(mail=(None, None, None, *[reply] * 50))
    with ScriptedServer([tired], offer) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(10)))

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [sum(c.startswith("MAIL") for c in transcript) for transcript in server.transcripts] == [
        4,
        4,
        4,
        1,
    ]


def test_s16_a_new_connection_that_is_turned_away_too_is_the_servers_answer(desk: Desk, offer: Offer) -> None:
    reply = "452 4.5.3 Too many messages in this session"
    with ScriptedServer([Script(mail=(None, reply)), Script(mail=(reply,) * 9)], offer) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(9)))

    assert [type(answer) for answer in answers] == [Receipt, *[TransientFailure] * 8]
    assert len(server.transcripts) == 2


def test_a_mail_that_the_server_takes_not_now_is_not_the_connections_fault(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(Script(mail=(None, "451 4.4.3 sender domain lookup failed")), offer) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(3)))

    assert [type(answer) for answer in answers] == [Receipt, TransientFailure, Receipt]
    assert len(server.transcripts) == 1


def test_a_connection_carries_no_more_mails_than_allowed(offer: Offer) -> None:
    desk = Desk(SmtpTransport(limits=PoolLimits(mails=3)))
    with ScriptedServer(offer=offer) as server:
        answers = desk.send(server, *(desk.mail() for _ in range(7)))
        desk.transport.close()
        _until(lambda: server.count("QUIT") == 3)

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [sum(c.startswith("MAIL") for c in transcript) for transcript in server.transcripts] == [3, 3, 1]


def test_a_server_that_announces_its_limits_has_them_kept(desk: Desk) -> None:
    offer = Offer(extensions=("PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=3"))
    with ScriptedServer(offer=offer) as server:
        recipients = [f"user{i}@example.com" for i in range(5)]
        answers = desk.send(server, desk.mail(*recipients), desk.mail(), desk.mail())

    assert isinstance(answers[0], Receipt)
    assert list(answers[0].refused) == recipients[3:]
    assert len(server.transcripts) == 2


def test_connections_at_rest_are_closed_in_time(offer: Offer) -> None:
    clock = Clock()
    desk = Desk(SmtpTransport(limits=PoolLimits(idle=30, age=300), clock=clock))
    with ScriptedServer(offer=offer) as server:
        desk.send_one(server)
        clock.now += 31
        desk.transport.close_idle()
        desk.send_one(server)
        for _ in range(20):
            clock.now += 20
            desk.send_one(server)
        desk.transport.close()

    assert len(server.transcripts) == 3
    assert len(server.mails) == 22


def test_a_connection_that_rested_is_asked_for_a_sign_of_life(offer: Offer) -> None:
    clock = Clock()
    desk = Desk(SmtpTransport(clock=clock))
    with ScriptedServer(Script(rset=(None, Drop())), offer) as server:
        desk.send_one(server)
        clock.now += 10
        alive = desk.send_one(server)
        clock.now += 10
        dead = desk.send_one(server)
        desk.transport.close()

    assert isinstance(alive, Receipt)
    assert isinstance(dead, Receipt)
    assert len(server.transcripts) == 2


def test_a_route_has_no_more_connections_than_allowed(offer: Offer) -> None:
    desk = Desk(SmtpTransport(limits=PoolLimits(connections=2)))
    with ScriptedServer(Script(dot=Say("250 ok", delay=0.05)), offer) as server:
        threads = [threading.Thread(target=desk.send_one, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.transport.close()

    assert len(server.mails) == 8
    assert len(server.transcripts) == 2


def test_waiting_for_a_connection_ends_with_the_budget(offer: Offer) -> None:
    desk = Desk(SmtpTransport(limits=PoolLimits(connections=1)))
    with ScriptedServer(Script(dot=(Say("250 ok", delay=1.5),)), offer) as server:
        busy = threading.Thread(target=desk.send_one, args=(server,))
        busy.start()
        _until(lambda: len(server.dots) == 1)
        other = Desk(desk.transport)
        (answer,) = other.send(server, other.mail(budget=0.4))
        busy.join()
        desk.transport.close()

    assert isinstance(answer, TransientFailure)
    assert answer.reply.code == LocalCode.TIME_OVER
    assert 0.35 <= other.seconds <= 0.9


def test_a_forked_process_opens_connections_of_its_own(desk: Desk) -> None:
    with ScriptedServer() as server:
        desk.send_one(server)
        child = os.fork()
        if child == 0:
            os._exit(0 if isinstance(desk.send_one(server), Receipt) else 1)
        _, status = os.waitpid(child, 0)
        answer = desk.send_one(server)

    assert os.waitstatus_to_exitcode(status) == 0
    assert isinstance(answer, Receipt)
    assert len(server.transcripts) == 2
    assert len(server.transcripts[0]) == 1 + 2 * 3


def test_a_mail_whose_lease_is_lost_gets_no_dot(desk: Desk, offer: Offer) -> None:
    run = [desk.mail("ann@example.com"), desk.mail("bob@example.com"), desk.mail("cid@example.com")]

    def mark(mails: Sequence[Submission]) -> list[bool]:
        return [mail.mail_id != run[1].mail_id for mail in mails]

    with ScriptedServer(offer=offer) as server:
        answers = desk.transport.submit(desk.route(server), run, mark=mark)

    assert [type(answer) for answer in answers] == [Receipt, LeaseLost, Receipt]
    assert [mail.recipients[0] for mail in server.dots] == ["ann@example.com", "cid@example.com"]


@pytest.mark.parametrize("size", [1, 100_000], ids=["small", "large"])
def test_a_mark_that_fails_sends_nothing(desk: Desk, offer: Offer, size: int) -> None:
    def mark(_: Sequence[Submission]) -> list[bool]:
        raise RuntimeError("canary: the journal is away")

    body = b"xxxxxxxx\r\n" * (size // 10)
    with ScriptedServer(offer=offer) as server:
        answers = desk.transport.submit(desk.route(server), [desk.mail(body=body), desk.mail()], mark=mark)

    assert [type(answer) for answer in answers] == [TransientFailure, TransientFailure]
    assert answers[0].reply.code == LocalCode.INTERNAL
    assert "canary" not in str(answers)
    assert server.dots == []


@pytest.mark.parametrize("error", [MemoryError, SystemExit, KeyboardInterrupt])
def test_an_error_that_ends_programs_ends_the_attempt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def broken(*_: object) -> None:
        raise error

    with ScriptedServer() as server:
        monkeypatch.setattr("tasks.smtp.conversation.begin", broken)
        answer = desk.send_one(server)
        monkeypatch.undo()

        assert isinstance(answer, TransientFailure)
        assert answer.reply.code == LocalCode.INTERNAL
        assert isinstance(desk.send_one(server), Receipt)
    assert len(server.dots) == 1


def _until(condition) -> None:  # noqa: ANN001  # a predicate
    for _ in range(400):
        if condition():
            return
        threading.Event().wait(0.005)
    pytest.fail("it did not happen")
