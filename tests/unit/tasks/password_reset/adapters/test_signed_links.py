"""Links that carry their own proof."""

from __future__ import annotations

import itsdangerous
import pytest
from pydantic import SecretStr

from tasks.password_reset.adapters.signed_links import SignedLinks
from tasks.password_reset.ports import User

SECRET = SecretStr("0123456789abcdef0123456789abcdef")
BASE = "https://accounts.example.org/reset/"
ANN = User("ann", "ann@example.org", stamp="v3")


def links(base: str = BASE, secret: SecretStr = SECRET) -> SignedLinks:
    return SignedLinks(base, secret)


def token_of(issuer: SignedLinks, user: User = ANN, ttl: int = 600) -> str:
    return issuer.issue(user, ttl, timeout=1.0).get_secret_value().rpartition("/")[2]


def test_a_link_is_read_back_by_the_program_behind_it() -> None:
    found = links().read(token_of(links()))

    assert found
    assert (found["user"], found["stamp"]) == ("ann", "v3")


def test_a_link_holds_no_address_and_stands_under_the_base() -> None:
    link = links().issue(ANN, 600, timeout=1.0)

    assert link.get_secret_value().startswith("https://accounts.example.org/reset/")
    assert "example.org" not in link.get_secret_value().removeprefix(BASE)
    assert "accounts" not in repr(link)


def test_two_links_of_a_user_differ_in_128_bits_of_chance() -> None:
    found = [links().read(token_of(links())) for _ in range(2)]

    nonces = {each["nonce"] for each in found if each}
    assert len(nonces) == 2
    assert all(len(nonce) >= 22 for nonce in nonces)


def test_a_link_dies_with_its_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(links(), ttl=600)
    now = itsdangerous.TimestampSigner("x").get_timestamp()
    monkeypatch.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda _: now + 602)

    assert links().read(token) is None


@pytest.mark.parametrize("change", ["other secret", "changed", "garbage", "empty"])
def test_what_was_not_issued_here_is_not_read(change: str) -> None:
    token = token_of(links())
    changed = {"other secret": token, "changed": "x" + token, "garbage": "a.b.c", "empty": ""}[change]
    reader = links(secret=SecretStr("f" * 32)) if change == "other secret" else links()

    assert reader.read(changed) is None


@pytest.mark.parametrize(
    "base",
    [
        "",
        "accounts.example.org",
        "http://accounts.example.org",
        "ftp://x/",
        "https://x/?next=",
        "https://x/#a",
    ],
)
def test_a_base_that_is_not_safe_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="the base of links must be"):
        links(base)


def test_a_base_on_this_machine_needs_no_tls() -> None:
    assert links("http://127.0.0.1:8000/reset").issue(ANN, 60, timeout=1.0)


def test_a_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="at least 32 characters") as caught:
        links(secret=SecretStr("canary"))

    assert "canary" not in str(caught.value)
