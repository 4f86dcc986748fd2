"""
The fault matrix of mail servers, from the message to the result that callers poll.

Each row is a server's behaviour and the only honest result of it. Whatever the server does, the result is
there at most a second after the Timeout, and nobody gets a second copy.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tasks.contract.result import Delivery, RecipientState
from tasks.testing.actions import Drop, Flood, Reset, Say, Send, Silence
from tasks.testing.server import ScriptedServer

BEFORE_THE_DOT = ["banner", "ehlo", "mail", "rcpt", "data"]
DRIP = Say("250 a reply that takes its time", every=0.3)
ANN = {"ann@example.org": 1}
GARBAGE = {
    "banana": Send(b"banana\r\n"),
    "code 999": Say("999 what"),
    "a long line": Send(b"250 " + b"x" * 20_000 + b"\r\n"),
    "binary": Send(bytes(range(256)) * 256 + b"\r\n"),
}


def test_s1_a_port_that_nobody_listens_on_is_no_connection(open_office: Any) -> None:
    with ScriptedServer() as gone:
        port = gone.port

    outcome = open_office().send(port=port, timeout=1000)

    assert (outcome.code, outcome.delivery, outcome.retryable) == (611, Delivery.NOT_SENT, True)
    assert len(outcome.attempts) > 1


@pytest.mark.parametrize("step", BEFORE_THE_DOT)
def test_s2_silence_before_the_dot_ends_with_the_budget(open_office: Any, step: str) -> None:
    outcome = open_office(**{step: Silence()}).send(timeout=1000)

    assert (outcome.code, outcome.delivery) == (620, Delivery.NOT_SENT)


@pytest.mark.parametrize("step", ["banner", "ehlo", "rcpt"])
def test_s3_drips_before_the_dot_end_with_the_budget(open_office: Any, step: str) -> None:
    office = open_office(**{step: DRIP})

    assert office.send(timeout=1000).code == 620
    assert office.server.dots == []


def test_s3_drips_after_the_dot_are_unknown(open_office: Any) -> None:
    office = open_office(dot=DRIP)

    assert office.send(timeout=1000).code == 690
    assert len(office.server.dots) == 1


@pytest.mark.parametrize("step", ["banner", "ehlo"])
def test_s4_a_reply_without_end_is_no_reply(open_office: Any, step: str) -> None:
    assert open_office(**{step: Flood()}).send(timeout=1000).code == 614


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("step", BEFORE_THE_DOT)
def test_s5_garbage_before_the_dot_is_got_over(open_office: Any, step: str, garbage: Any) -> None:
    office = open_office(**{step: (garbage,)})

    assert office.send().success
    assert office.copies == ANN


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_s5_garbage_after_the_dot_is_unknown(open_office: Any, garbage: Any) -> None:
    office = open_office(dot=garbage)

    outcome = office.send()

    assert (outcome.code, outcome.delivery) == (690, Delivery.UNKNOWN)
    assert len(office.server.dots) == 1


@pytest.mark.parametrize("how", [Drop(), Reset()], ids=["dropped", "reset"])
@pytest.mark.parametrize("step", BEFORE_THE_DOT)
def test_s6_a_break_before_the_content_costs_one_attempt(open_office: Any, step: str, how: Any) -> None:
    office = open_office(**{step: (how,)})

    outcome = office.send()

    assert outcome.success
    assert len(outcome.attempts) == 2
    assert office.copies == ANN


def test_s6_a_break_inside_a_large_content_costs_one_attempt(open_office: Any) -> None:
    office = open_office(body=(Drop(),))

    outcome = office.send(body="0123456789\r\n" * 500_000, timeout=20_000)

    assert outcome.success
    assert office.copies == ANN


@pytest.mark.parametrize(
    "answer",
    [Drop(), Reset(), Silence(), Say("250 ok", delay=2.5)],
    ids=["dropped", "reset", "silent", "s8 late"],
)
def test_s7_s8_no_answer_to_the_dot_is_unknown_and_not_sent_again(open_office: Any, answer: Any) -> None:
    office = open_office(dot=answer)

    outcome = office.send(timeout=1000)

    assert (outcome.success, outcome.code, outcome.delivery) == (False, 690, Delivery.UNKNOWN)
    assert len(office.server.dots) == 1


@pytest.mark.parametrize(
    "answer",
    ["250 ok", "251 will forward", "250-one\n250 two", "299 gr\u00fc\u00df"],
    ids=["250", "251", "two lines", "odd"],
)
def test_s9_every_2yz_to_the_dot_is_success(open_office: Any, answer: str) -> None:
    office = open_office(dot=answer)

    assert office.send().success
    assert office.copies == ANN


@pytest.mark.parametrize("step", [*BEFORE_THE_DOT, "dot"])
def test_s10_a_server_that_is_closing_is_tried_again(open_office: Any, step: str) -> None:
    office = open_office(**{step: ("421 4.3.2 closing",)})

    assert office.send().success
    assert office.copies == ANN


def test_s11_greylisting_that_ends_within_the_budget_is_waited_for(open_office: Any) -> None:
    outcome = open_office(rcpt=("451 4.7.1 greylisted",) * 3).send()

    assert outcome.success
    assert [attempt.code for attempt in outcome.attempts] == [451, 451, 451, 250]


def test_s11_greylisting_beyond_the_budget_fails_with_the_servers_word(open_office: Any) -> None:
    office = open_office(rcpt="451 4.7.1 greylisted")

    # Long enough for the last try to be answered in its time on a machine that is busy.
    outcome = office.send(timeout=2500)

    assert (outcome.code, outcome.retryable, outcome.source) == (451, True, "server")
    assert office.server.dots == []


@pytest.mark.parametrize("step", ["banner", "mail", "rcpt", "data", "dot"])
def test_s12_a_permanent_refusal_is_tried_once(open_office: Any, step: str) -> None:
    office = open_office(**{step: "554 5.7.1 no"})

    outcome = office.send()

    assert (outcome.code, outcome.enhanced_status, outcome.retryable) == (554, "5.7.1", False)
    assert len(outcome.attempts) == 1
    assert office.copies == {}


def test_s13_each_recipient_gets_one_copy_or_its_own_refusal(open_office: Any) -> None:
    office = open_office(rcpt={"bob@example.org": "550 5.1.1 no", "eve@example.org": ("451 4.2.0 later",)})

    outcome = office.send(to="ann@example.org;bob@example.org;eve@example.org")

    assert (outcome.success, outcome.delivery, outcome.code) == (False, Delivery.PARTIAL, 550)
    assert [r.state for r in outcome.recipients] == [
        RecipientState.SENT,
        RecipientState.REFUSED,
        RecipientState.SENT,
    ]
    assert office.copies == {"ann@example.org": 1, "eve@example.org": 1}


@pytest.mark.parametrize(
    "refusal", ["452 4.5.3 too many recipients", "552 too many recipients"], ids=["452", "552 as of old"]
)
def test_s14_too_many_recipients_are_split_and_each_gets_one_copy(open_office: Any, refusal: str) -> None:
    office = open_office(rcpt=(*[None] * 30, *[refusal] * 70))
    everybody = [f"r{i}@example.org" for i in range(100)]

    outcome = office.send(to=everybody, timeout=10_000)

    assert outcome.success
    assert office.copies == Counter(everybody)


def test_s14_a_limit_that_the_server_announces_is_kept(open_office: Any) -> None:
    office = open_office(ehlo="250-here\n250-PIPELINING\n250 LIMITS RCPTMAX=30")
    everybody = [f"r{i}@example.org" for i in range(100)]

    assert office.send(to=everybody, timeout=10_000).success
    assert office.copies == Counter(everybody)
    assert max(len(mail.recipients) for mail in office.server.mails) == 30


def test_s14_a_mail_that_all_refuse_is_not_sent(open_office: Any) -> None:
    office = open_office(rcpt="550 5.1.1 no")

    outcome = office.send(to="ann@example.org;bob@example.org")

    assert (outcome.delivery, outcome.code) == (Delivery.NOT_SENT, 550)
    assert office.server.dots == []


@pytest.mark.parametrize("answer", ["250 bye", Silence(), Reset()], ids=["250", "silent", "reset"])
def test_s15_quit_changes_nothing(open_office: Any, answer: Any) -> None:
    office = open_office(quit=answer)

    assert office.send().success
    office.transport.close()
    assert office.copies == ANN
