"""What becomes of a mail, for each answer that a server can give; the same with and without pipelining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode, Phase
from tasks.failures import Failure, PermanentFailure, Receipt, TransientFailure, Unconfirmed
from tasks.smtp.replies import is_too_many_recipients
from tasks.testing.actions import Drop, Flood, Reset, Send
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer

if TYPE_CHECKING:
    from tasks.testing.actions import Action
    from tasks.testing.offer import Offer
    from tests.integration.smtp.conftest import Desk


def test_a_mail_is_accepted_with_the_servers_reply(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(offer=offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, Receipt)
    assert (answer.reply.code, answer.reply.enhanced_status) == (250, "2.0.0")
    assert [mail.recipients for mail in server.mails] == [("ann@example.com",)]
    assert server.ahead == 0


def test_a_run_is_carried_by_one_connection_in_order(desk: Desk, offer: Offer) -> None:
    with ScriptedServer(offer=offer) as server:
        answers = desk.send(server, *(desk.mail(f"user{i}@example.com") for i in range(25)))

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [mail.recipients[0] for mail in server.mails] == [f"user{i}@example.com" for i in range(25)]
    assert desk.marked == [f"mail-{i}" for i in range(1, 26)]
    assert len(server.transcripts) == 1
    assert server.ahead == 0


def test_lines_that_begin_with_dots_arrive_as_they_were(desk: Desk, offer: Offer) -> None:
    body = b".\r\n..\r\n.hidden\r\nMAIL FROM:<x@y>\r\n.\r\nend"
    with ScriptedServer(offer=offer) as server:
        desk.send(server, desk.mail(body=body), desk.mail())

    assert server.mails[0].content.endswith(b"\r\n\r\n" + body + b"\r\n")
    assert len(server.dots) == 2


@pytest.mark.parametrize("size", [10_000, 70_000, 3_000_000])
def test_a_large_mail_arrives_whole(desk: Desk, offer: Offer, size: int) -> None:
    body = b"x" * 70 + b"\r\n"
    with ScriptedServer(offer=offer) as server:
        answers = desk.send(server, desk.mail(body=body * (size // 72)), desk.mail())

    assert all(isinstance(answer, Receipt) for answer in answers)
    assert server.mails[0].content.endswith(body * (size // 72))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("251 2.1.0 will forward", "will forward"),
        ("252 cannot verify", "cannot verify"),
        ("299 whatever", "whatever"),
        ("250-2.0.0 first\n250 2.0.0 second", "first second"),
        ("250 angenommen für später", "angenommen für später"),
        ("250", ""),
    ],
    ids=["251", "252", "299", "two lines", "UTF-8", "no text"],
)
def test_s9_every_2yz_to_the_dot_is_an_acceptance(desk: Desk, offer: Offer, reply: str, text: str) -> None:
    with ScriptedServer(Script(dot=reply), offer) as server:
        answer = desk.send_one(server)

    assert isinstance(answer, Receipt)
    assert answer.reply.text == text
    assert len(server.dots) == 1


def test_a_reply_too_many_before_the_dot_is_not_taken_for_the_dots(desk: Desk, offer: Offer) -> None:
    script = Script(data=(Send(b"354 go on\r\n250 2.0.0 Ok: queued as NOTHING\r\n"),))
    with ScriptedServer(script, offer) as server:
        first, second = desk.send(server, desk.mail(), desk.mail())

    assert isinstance(first, TransientFailure)
    assert first.reply.code == LocalCode.PROTOCOL
    assert isinstance(second, Receipt)
    assert desk.marked == ["mail-2"]
    assert len(server.dots) == 1


def test_s11_greylisting_says_when_to_come_again(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt=("451 4.7.1 Greylisted, try again in 300 seconds",))
    with ScriptedServer(script, offer) as server:
        answer, again = desk.send_one(server), desk.send_one(server)

    assert isinstance(answer, TransientFailure)
    assert (answer.reply.code, answer.retry_after) == (451, 300.0)
    assert "Timeout" in answer.hint
    assert isinstance(again, Receipt)


@pytest.mark.parametrize(
    ("step", "phase"),
    [("mail", Phase.MAIL), ("rcpt", Phase.RCPT), ("data", Phase.DATA), ("dot", Phase.FINAL)],
    ids=["mail", "rcpt", "data", "dot"],
)
def test_s12_5yz_is_final_and_keeps_its_code(desk: Desk, offer: Offer, step: str, phase: Phase) -> None:
    with ScriptedServer(Script(**{step: ("554 5.7.1 no",)}), offer) as server:
        first, second = desk.send(server, desk.mail(), desk.mail())

    assert isinstance(first, PermanentFailure)
    assert (first.reply.code, first.reply.enhanced_status, first.phase) == (554, "5.7.1", phase)
    assert isinstance(second, Receipt)
    assert len(server.transcripts) == 1
    assert len(server.mails) == 1


def test_s13_each_recipient_gets_what_the_server_said_of_it(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt={"bob@example.com": "550 5.1.1 no such user", "cid@example.com": "451 4.2.1 later"})
    with ScriptedServer(script, offer) as server:
        (answer,) = desk.send(server, desk.mail("ann@example.com", "bob@example.com", "cid@example.com"))

    assert isinstance(answer, Receipt)
    assert {to: reply.code for to, reply in answer.refused.items()} == {
        "bob@example.com": 550,
        "cid@example.com": 451,
    }
    assert [mail.recipients for mail in server.mails] == [("ann@example.com",)]


@pytest.mark.parametrize(
    ("replies", "kind", "code"),
    [
        (("550 5.1.1 no", "550 5.1.1 no"), PermanentFailure, 550),
        (("550 5.1.1 no", "451 4.2.1 later"), TransientFailure, 451),
        (("450 busy", "550 no"), TransientFailure, 450),
    ],
    ids=["all for good", "one for now", "one for now, first"],
)
def test_s14_a_mail_that_nobody_may_get_fails_with_every_reply(
    desk: Desk, offer: Offer, replies: tuple[str, str], kind: type[Failure], code: int
) -> None:
    script = Script(rcpt={"ann@example.com": replies[0], "bob@example.com": replies[1]})
    with ScriptedServer(script, offer) as server:
        first, second = desk.send(
            server, desk.mail("ann@example.com", "bob@example.com"), desk.mail("cid@example.com")
        )

    assert type(first) is kind
    assert (first.reply.code, first.phase) == (code, Phase.RCPT)
    assert [reply.code for reply in first.recipients.values()] == [int(reply[:3]) for reply in replies]
    assert isinstance(second, Receipt)
    assert [mail.recipients for mail in server.dots] == [("cid@example.com",)]


def test_s14_go_ahead_without_recipients_gets_no_dot(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt={"bob@example.com": "550 no"}, data=("354 go on",))
    with ScriptedServer(script, offer) as server:
        first, second = desk.send(server, desk.mail("bob@example.com"), desk.mail())

    assert isinstance(first, PermanentFailure)
    assert isinstance(second, Receipt)
    assert [mail.recipients for mail in server.dots] == [("ann@example.com",)]


def test_s14_too_many_recipients_are_named_apart(desk: Desk, offer: Offer) -> None:
    recipients = tuple(f"user{i}@example.com" for i in range(130))
    late = dict.fromkeys(recipients[100:], "452 4.5.3 Error: too many recipients")
    with ScriptedServer(Script(rcpt=late), offer) as server:
        (answer,) = desk.send(server, desk.mail(*recipients))

    assert isinstance(answer, Receipt)
    assert tuple(answer.refused) == recipients[100:]
    assert all(map(is_too_many_recipients, answer.refused.values()))
    assert server.mails[0].recipients == recipients[:100]


@pytest.mark.parametrize(
    "farewell", ["250 bye?", Drop(), Reset(), Flood()], ids=["250", "dropped", "reset", "flood"]
)
def test_s15_what_comes_of_quit_changes_nothing(desk: Desk, offer: Offer, farewell: Action | str) -> None:
    with ScriptedServer(Script(quit=farewell), offer) as server:
        answer = desk.send_one(server)
        desk.transport.close()

    assert isinstance(answer, Receipt)


def test_one_mails_failure_leaves_the_others_of_its_run_alone(desk: Desk, offer: Offer) -> None:
    script = Script(rcpt={"bob@example.com": "550 no"}, dot=(None, "451 later", "552 too big", Drop()))
    run = [desk.mail("ann@example.com"), desk.mail("bob@example.com"), *(desk.mail() for _ in range(4))]
    with ScriptedServer(script, offer) as server:
        answers = desk.send(server, *run)

    assert [type(answer) for answer in answers] == [
        Receipt,
        PermanentFailure,
        TransientFailure,
        PermanentFailure,
        Unconfirmed,
        Receipt,
    ]
    assert len(server.dots) == 5
    assert len(server.mails) == 2
