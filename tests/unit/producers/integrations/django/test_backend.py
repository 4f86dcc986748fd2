"""What the backend returns, raises and waits for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings

from producers.integrations.django import EmailBackend, backend, handed_in, options
from producers.integrations.failures import Refused, Unavailable

if TYPE_CHECKING:
    from tests.unit.producers.integrations.django.conftest import Post

TO = ["ann@example.org"]


def message(**more: Any) -> mail.EmailMessage:
    return mail.EmailMessage("Hello", "text", to=TO, **more)


def test_many_messages_are_handed_in_together_and_each_gets_its_id(post: Post) -> None:
    messages = [message() for _ in range(3)]

    assert mail.get_connection().send_messages(messages) == 3
    assert post.calls == 1
    assert [each.postroom_id for each in messages] == ["id-1", "id-2", "id-3"]


def test_listeners_hear_of_each_message_and_cannot_break_it(post: Post) -> None:
    heard = []

    def listen(message: mail.EmailMessage, mail_id: str, **_: Any) -> None:
        heard.append((message.subject, mail_id))
        raise RuntimeError

    handed_in.connect(listen)
    try:
        assert mail.send_mail("Hello", "text", None, TO) == 1
    finally:
        handed_in.disconnect(listen)

    assert heard == [("Hello", "id-1")]
    assert post.calls == 1


def test_one_that_is_wrong_stops_all_whatever_fail_silently_says(post: Post) -> None:
    with pytest.raises(Refused, match="mail 2: headers: Date may not be set"):
        mail.get_connection(fail_silently=True).send_messages([message(), message(headers={"Date": "1"})])

    assert post.calls == 0


def test_what_the_gateway_refuses_is_raised_after_the_others_are_accepted(post: Post) -> None:
    post.answers[1] = Refused("sender: is none that this API key may use")
    messages = [message() for _ in range(3)]

    with pytest.raises(Refused, match="sender: is none"):
        mail.get_connection().send_messages(messages)

    assert [getattr(each, "postroom_id", None) for each in messages] == ["id-1", None, "id-3"]


def test_an_outage_is_raised_and_what_was_accepted_has_its_id(post: Post) -> None:
    post.failure, post.fails_after = Unavailable("the queue cannot be reached"), 1
    messages = [message() for _ in range(3)]

    with pytest.raises(Unavailable):
        mail.get_connection().send_messages(messages)

    assert [getattr(each, "postroom_id", None) for each in messages] == ["id-1", None, None]


def test_fail_silently_logs_an_outage_and_counts_what_was_accepted(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.failure, post.fails_after = Unavailable("the queue cannot be reached"), 1

    with caplog.at_level(logging.WARNING):
        accepted = mail.get_connection(fail_silently=True).send_messages([message() for _ in range(3)])

    assert accepted == 1
    assert [record.getMessage() for record in caplog.records] == [
        "mails not handed in: 2 of 3: the queue cannot be reached"
    ]


def test_in_a_transaction_mail_waits_for_the_commit(post: Post) -> None:
    one = message()
    with transaction.atomic():
        with transaction.atomic():
            assert one.send() == 1
        assert post.calls == 0
        one.subject = "Changed"

    assert post.fields["subject"] == "Hello"
    assert one.postroom_id == "id-1"


def test_a_transaction_that_is_rolled_back_sends_nothing(post: Post) -> None:
    with transaction.atomic():
        mail.send_mail("Hello", "text", None, TO)
        transaction.set_rollback(True)

    assert post.calls == 0


def test_what_is_wrong_is_said_within_the_transaction(post: Post) -> None:
    with transaction.atomic(), pytest.raises(Refused):
        mail.send_mail("", "text", None, TO)

    assert post.calls == 0


def test_an_outage_at_the_commit_is_raised_from_it_unless_silent(post: Post) -> None:
    post.failure = Unavailable("the queue cannot be reached")

    with pytest.raises(Unavailable), transaction.atomic():
        mail.send_mail("Hello", "text", None, TO)
    with transaction.atomic():
        assert mail.send_mail("Hello", "text", None, TO, fail_silently=True) == 1


def test_error_reports_never_wait(post: Post) -> None:
    with transaction.atomic():
        mail.mail_admins("Fault", "text")
        transaction.set_rollback(True)

    assert post.fields["to"] == ["admin@example.org"]


@override_settings(POSTROOM={"BROKER_URL": "redis://127.0.0.1:1/0", "ON_COMMIT": False})
def test_waiting_can_be_switched_off(post: Post) -> None:
    with transaction.atomic():
        mail.send_mail("Hello", "text", None, TO)
        assert post.calls == 1


def test_options_hold_for_what_is_sent_meanwhile_and_headers_win(post: Post) -> None:
    with options(lane="bulk", account="shop"), options(lane="reset"):
        mail.send_mail("Hello", "text", None, TO)
        message(headers={"X-Postroom-Lane": "default"}).send()
    mail.send_mail("Hello", "text", None, TO)

    assert [letter.lane for letter in post.letters] == ["reset", "default", "default"]
    assert [letter.fields.get("account") for letter in post.letters] == ["shop", "shop", None]


def test_mails_of_one_idempotency_key_are_told_apart_by_their_order(post: Post) -> None:
    for _ in range(2):
        with options(idempotency_key="news-5"):
            mail.get_connection().send_messages([message(), message()])
            message(headers={"X-Postroom-Idempotency-Key": "own"}).send()

    keys = [letter.fields["idempotency_key"] for letter in post.letters]
    assert keys == ["news-5", "news-5/2", "own"] * 2


def test_an_option_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(TypeError, match="lnae is no option; there are lane"), options(lnae="bulk"):
        pass


def test_the_options_of_a_mailer_are_settings(post: Post) -> None:
    """As MAILERS of Django 6.1 makes backends."""
    mailer = EmailBackend(alias="news", lane="bulk", account="news", on_commit=False)
    with transaction.atomic():
        assert mailer.send_messages([message()]) == 1
        assert post.calls == 1

    assert mailer.alias == "news"
    assert (post.letters[0].lane, post.letters[0].fields["account"]) == ("bulk", "news")


def test_clients_are_kept_between_mails() -> None:
    assert EmailBackend().client is EmailBackend().client
    assert EmailBackend(lane="bulk").client is not EmailBackend().client


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "POSTROOM: set either broker_url"),
        ({"BROKER_URL": "http://:hunter2@x"}, "POSTROOM: broker_url"),
        ({"BROKER_ULR": "redis://:hunter2@x"}, "POSTROOM: BROKER_ULR is unknown; known are ACCOUNT"),
    ],
)
def test_wrong_settings_are_told_as_django_tells_them(found: dict[str, str], said: str) -> None:
    with override_settings(POSTROOM=found), pytest.raises(ImproperlyConfigured, match=said) as told:
        mail.send_mail("Hello", "text", None, TO)

    assert "hunter2" not in str(told.value)


def test_passwords_are_refused(post: Post) -> None:
    with pytest.raises(ImproperlyConfigured, match="passwords are Postroom's"):
        mail.send_mail("Hello", "text", None, TO, auth_user="ann", auth_password="hunter2")

    assert post.calls == 0


def test_another_backend_cannot_be_asked() -> None:
    with (
        override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"),
        pytest.raises(ImproperlyConfigured, match="locmem, which knows no ids"),
    ):
        backend()
