"""Where a mail may go, and with whose password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.contract.security import Security
from tasks.contract.validation import parse
from tasks.delivery.accounts import Account, Accounts
from tasks.delivery.routing import Direction, Router
from tasks.failures import PermanentFailure

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT: dict[str, Any] = {
    "host": "smtp.corp.example",
    "user_name": "desk@corp.example",
    "password": "canary",
}
PIN = "ab" * 32


def direct(
    message: dict[str, Any] | None = None, *, ca_folder: Path | None = None, **account: Any
) -> Direction:
    accounts = Accounts([Account(name="default", **{**ACCOUNT, **account})])
    request = parse({"to": "ann@x.example", "subject": "s", "body": "b", **(message or {})})
    return Router(accounts, ca_folder=ca_folder).direct(request)


def refusal(message: dict[str, Any], **account: Any) -> tuple[int, str]:
    with pytest.raises(PermanentFailure) as caught:
        direct(message, **account)
    return caught.value.reply.code, caught.value.reply.text


def test_what_a_message_leaves_out_is_the_accounts() -> None:
    found = direct()

    assert (found.route.host, found.route.port) == ("smtp.corp.example", 587)
    assert found.route.security is Security.STARTTLS
    assert found.route.login is not None
    assert found.sender.addr_spec == "desk@corp.example"


@pytest.mark.parametrize(
    "message",
    [
        {"smtp_host": "SMTP.corp.example."},
        {"smtp_port": 587},
        {"user_name": "desk@corp.example"},
        {"smtp_authentication": "starttls"},
        {"account": "default"},
    ],
    ids=lambda message: next(iter(message)),
)
def test_a_message_that_repeats_the_account_keeps_its_login(message: dict[str, Any]) -> None:
    assert direct(message).route.login is not None


@pytest.mark.parametrize(
    "message",
    [
        {"smtp_host": "evil.example"},
        {"smtp_host": "127.0.0.1"},
        {"smtp_host": "smtp.corp.example.evil.example"},
        {"smtp_port": 2525},
        {"smtp_port": 6379},
        {"smtp_authentication": None},
        {"smtp_authentication": "SSL"},
        {"user_name": "root@corp.example"},
        {"account": "other"},
        {"account": "default", "user_name": "root@corp.example"},
        {"smtp_ssl_trust": "*"},
        {"smtp_ssl_trust": "smtp.corp.example"},
        {"smtp_ssl_trust": f"sha256:{PIN}"},
        {"smtp_ssl_trust": "ca:private.pem"},
        {"sender": "ceo@elsewhere.example"},
    ],
    ids=str,
)
def test_what_the_operator_did_not_allow_is_refused_by_policy(message: dict[str, Any]) -> None:
    code, text = refusal(message)

    assert code == 602
    assert "canary" not in text


def test_a_listed_host_is_reached_without_the_stored_password() -> None:
    route = direct({"smtp_host": "relay.example"}, allowed_hosts="relay.example").route

    assert (route.host, route.login) == ("relay.example", None)


def test_a_listed_host_is_reached_on_mail_ports_only() -> None:
    assert refusal({"smtp_host": "relay.example", "smtp_port": 6379}, allowed_hosts="relay.example")[0] == 602
    route = direct(
        {"smtp_host": "relay.example", "smtp_port": 6379}, allowed_hosts="relay.example:6379"
    ).route
    assert route.login is None


def test_weaker_protection_is_refused_even_where_the_host_is_listed() -> None:
    message = {"smtp_host": "relay.example", "smtp_authentication": None}

    assert refusal(message, allowed_hosts="relay.example")[0] == 602


def test_unverified_tls_needs_the_operators_word_and_never_takes_the_password_along() -> None:
    route = direct({"smtp_ssl_trust": "*"}, allow_unverified_tls=True, authentication=False).route

    assert not route.trust.is_checked
    assert refusal({"smtp_ssl_trust": "*"}, allow_unverified_tls=True)[0] == 602


def test_a_trust_list_without_the_host_changes_nothing() -> None:
    assert direct({"smtp_ssl_trust": "other.example"}, authentication=False).route.trust.verify


def test_the_accounts_own_trust_may_be_repeated() -> None:
    route = direct({"smtp_ssl_trust": f"sha256:{PIN}"}, trust=f"sha256:{PIN}").route

    assert route.trust.sha256_pins == {PIN}
    assert route.login is not None


def test_a_ca_file_of_a_message_lies_in_the_operators_folder(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "good.pem").touch()
    (tmp_path / "outside.pem").touch()
    (tmp_path / "ca" / "link.pem").symlink_to(tmp_path / "outside.pem")

    def trust_of(name: str) -> Path | None:
        found = direct({"smtp_ssl_trust": f"ca:{name}"}, ca_folder=tmp_path / "ca", authentication=False)
        return found.route.trust.ca_file

    assert trust_of("good.pem") == tmp_path / "ca" / "good.pem"
    for name in ("missing.pem", "link.pem", str(tmp_path / "outside.pem")):
        with pytest.raises(PermanentFailure):
            trust_of(name)


@pytest.mark.parametrize(
    ("account", "sender", "is_allowed"),
    [
        ({}, "noreply@corp.example", True),
        ({}, "noreply@other.example", False),
        ({"allowed_senders": "@other.example"}, "noreply@other.example", True),
        ({"allowed_senders": "a@other.example"}, "noreply@other.example", False),
        ({"allowed_senders": "*"}, "anyone@anywhere.example", True),
    ],
    ids=["own domain", "other domain", "listed domain", "other address listed", "anyone"],
)
def test_senders_are_those_of_the_account(account: dict[str, Any], sender: str, *, is_allowed: bool) -> None:
    if is_allowed:
        assert direct({"sender": sender}, **account).sender.addr_spec == sender
    else:
        assert refusal({"sender": sender}, **account)[0] == 602


def test_a_mail_without_any_sender_is_invalid() -> None:
    code, text = refusal({}, user_name="desk", sender=None)

    assert (code, text.split(":")[0]) == (600, "Sender")


@pytest.mark.parametrize(
    "account",
    [{"blocked_recipient_domains": "x.example"}, {"allowed_recipient_domains": "corp.example"}],
    ids=["blocked", "not allowed"],
)
def test_recipients_outside_the_policy_stop_the_whole_mail(account: dict[str, Any]) -> None:
    code, text = refusal({"cc": "bob@corp.example"}, **account)

    assert code == 602
    assert "x.example" in text


def test_no_password_shows_in_an_account_or_a_route() -> None:
    account = Account(name="default", **ACCOUNT)

    assert "canary" not in repr(account) + account.model_dump_json() + repr(direct().route)
