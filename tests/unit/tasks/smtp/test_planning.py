from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contract.codes import LocalCode, Phase
from tasks.deadline import Deadline
from tasks.envelope import Envelope
from tasks.failures import Failure, NotBegun, PermanentFailure
from tasks.smtp.extensions import Extensions
from tasks.smtp.planning import begin
from tasks.smtp.replies import RawReply, is_too_many_recipients
from tasks.smtp.submission import Submission

CONTENT = b"Subject: x\r\n\r\nbody\r\n"


def offering(*lines: str) -> Extensions:
    return Extensions.of(RawReply(250, (b"server.example", *(line.encode() for line in lines))))


def mail(
    *recipients: str, sender: str = "desk@example.com", content: bytes = CONTENT, **details: Any
) -> Submission:
    deadline = details.pop("deadline", Deadline.after(60))
    envelope = Envelope(sender, recipients or ("ann@example.com",), content, **details)
    return Submission("id", envelope, deadline)


def failure_of(submission: Submission, *lines: str) -> Failure:
    with pytest.raises(Failure) as failed:
        begin(submission, offering(*lines))
    return failed.value


def test_the_commands_name_sender_and_recipients() -> None:
    transaction = begin(mail("ann@example.com", '"a b"@example.com'), offering())

    assert transaction.commands == (
        b"MAIL FROM:<desk@example.com>",
        b"RCPT TO:<ann@example.com>",
        b'RCPT TO:<"a b"@example.com>',
        b"DATA",
    )


def test_the_size_is_told_where_the_server_wants_it() -> None:
    assert begin(mail(), offering("SIZE")).commands[0] == b"MAIL FROM:<desk@example.com> SIZE=20"
    assert begin(mail(sender=""), offering("SIZE 100")).commands[0] == b"MAIL FROM:<> SIZE=20"


def test_the_size_is_that_of_all_pieces() -> None:
    submission = mail(files=(b"eGFi\r\n", b"--x--\r\n"))

    assert begin(submission, offering("SIZE 33")).commands[0] == b"MAIL FROM:<desk@example.com> SIZE=33"
    assert failure_of(submission, "SIZE 32").reply.code == LocalCode.POLICY


@pytest.mark.parametrize("line", ["SIZE 20", "SIZE 0", "SIZE", "SIZE banana"])
def test_a_mail_within_the_servers_limit_goes(line: str) -> None:
    assert begin(mail(), offering(line)).content == CONTENT


def test_a_mail_beyond_the_servers_limit_fails_before_mail() -> None:
    failure = failure_of(mail(), "SIZE 19")

    assert type(failure) is PermanentFailure
    assert (failure.reply.code, failure.phase) == (LocalCode.POLICY, Phase.MAIL)
    assert failure.reply.text == "The message is 20 bytes, the server accepts 19."


def test_an_international_recipient_is_refused_where_the_server_knows_none() -> None:
    transaction = begin(mail("ann@example.com", "jürgen@example.com"), offering("8BITMIME"))

    assert transaction.recipients == ("ann@example.com",)
    assert transaction.refused["jürgen@example.com"].code == LocalCode.POLICY


def test_a_mail_to_international_recipients_only_fails_for_good() -> None:
    failure = failure_of(mail("jürgen@example.com"))

    assert type(failure) is PermanentFailure
    assert list(failure.recipients) == ["jürgen@example.com"]
    assert "jürgen" not in str(failure)


def test_an_international_sender_fails_for_good_where_the_server_knows_none() -> None:
    assert type(failure_of(mail(sender="jürgen@example.com"))) is PermanentFailure


def test_international_addresses_go_where_the_server_takes_them() -> None:
    transaction = begin(mail("jürgen@example.com"), offering("SMTPUTF8", "8BITMIME"))

    assert transaction.commands[:2] == (
        b"MAIL FROM:<desk@example.com> SMTPUTF8 BODY=8BITMIME",
        "RCPT TO:<jürgen@example.com>".encode(),
    )


def test_the_international_content_goes_only_where_the_server_takes_it() -> None:
    other = "Subject: ü\r\n\r\nbody\r\n".encode()
    submission = mail(content_smtputf8=other)

    assert begin(submission, offering("SMTPUTF8")).content == other
    assert begin(submission, offering("SMTPUTF8")).commands[0] == b"MAIL FROM:<desk@example.com> SMTPUTF8"
    assert begin(submission, offering()).content == CONTENT
    assert begin(submission, offering()).commands[0] == b"MAIL FROM:<desk@example.com>"


def test_a_plain_mail_asks_for_nothing_international() -> None:
    assert begin(mail(), offering("SMTPUTF8", "8BITMIME")).commands[0] == b"MAIL FROM:<desk@example.com>"


def test_recipients_beyond_the_announced_limit_are_left_for_the_next_mail() -> None:
    transaction = begin(
        mail(*(f"u{i}@example.com" for i in range(5))), offering("LIMITS RCPTMAX=2 MAILMAX=9")
    )

    assert len(transaction.recipients) == 2
    assert list(transaction.refused) == ["u2@example.com", "u3@example.com", "u4@example.com"]
    assert all(map(is_too_many_recipients, transaction.refused.values()))


@pytest.mark.parametrize(
    "path",
    [
        "a@x.com>\r\nRCPT TO:<b@x.com",
        "a@x.com> SIZE=1",
        "a\n@x.com",
        "a@x.com\0",
        "no-at-sign",
        '"open@x.com',
        '"a\r\nb"@x.com',
        "a b@x.com",
        "",
    ],
)
def test_an_address_that_could_end_the_command_is_refused(path: str) -> None:
    failure = failure_of(mail(path))

    assert type(failure) is PermanentFailure
    assert failure.reply.code == LocalCode.INVALID_INPUT
    if path:
        assert type(failure_of(mail(sender=path))) is PermanentFailure


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\r\r\nb", b"a\r\n.\n.\r\n"])
def test_content_that_could_smuggle_a_second_mail_is_refused(content: bytes) -> None:
    failure = failure_of(mail(content=content))

    assert type(failure) is PermanentFailure
    assert failure.reply.code == LocalCode.INVALID_INPUT


def test_files_follow_the_international_content_too() -> None:
    submission = mail(content_smtputf8="Subject: ü\r\n\r\n".encode(), files=(b"eGFi\r\n",))

    assert begin(submission, offering("SMTPUTF8")).content == "Subject: ü\r\n\r\neGFi\r\n".encode()


@given(st.lists(st.text(alphabet=".ab ", max_size=5), max_size=8))
def test_stuffed_dots_are_undone_by_the_server_and_never_end_the_mail(lines: list[str]) -> None:
    content = "\r\n".join(lines).encode()
    wire = begin(mail(content=content), offering()).content
    received = wire.removesuffix(b"\r\n").split(b"\r\n")

    assert wire.endswith(b"\r\n")
    assert b"." not in received
    expected = content.removesuffix(b"\r\n").split(b"\r\n")
    assert [line.removeprefix(b".") for line in received] == expected


def test_with_too_little_time_a_mail_is_not_begun() -> None:
    failure = failure_of(mail(deadline=Deadline.after(1.0, budget=60.0)))

    assert type(failure) is NotBegun
    assert failure.reply.code == LocalCode.TIME_OVER
