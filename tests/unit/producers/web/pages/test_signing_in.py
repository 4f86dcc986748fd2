"""Who gets in to the pages, and how they are kept out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from producers.web.keyring import Keyring
from producers.web.pages.attempts import BURST
from producers.web.pages.sessions import IDLE, LONGEST, Sessions

if TYPE_CHECKING:
    from redis import Redis

    from producers.web.gateway import Gateway
    from producers.web.keyfile import KeyFile

SIGN_IN = "/emails/sign-in"


def test_who_is_not_signed_in_is_led_to_the_form_and_then_on(visitor: Any, keys: tuple[str, str]) -> None:
    wanted = "/emails/0b7d6f0e-0000-4000-8000-000000000000"
    led = visitor.get(wanted)
    form = visitor.get(led.headers["location"])
    answer = visitor.sign_in(keys[0], next=wanted)

    assert (led.status_code, led.headers["location"]) == (303, f"{SIGN_IN}?next={wanted}")
    assert f'value="{wanted}"' in form.text
    assert (answer.status_code, answer.headers["location"]) == (303, f"{wanted}?signed-in")
    assert visitor.get(f"{wanted}?signed-in").headers["location"] == wanted


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example", "//elsewhere.example", "/inbox", "/emails/../x", "/emails\n"]
)
def test_signing_in_leads_nowhere_else(visitor: Any, keys: tuple[str, str], elsewhere: str) -> None:
    assert visitor.sign_in(keys[0], next=elsewhere).headers["location"] == "/emails?signed-in"


@pytest.mark.parametrize("wrong", ["", "x", "pr_0123", "ключ", "pr_" + "0" * 12 + "_" + "A" * 43])
def test_a_wrong_key_is_told_and_repeated_nowhere(visitor: Any, wrong: str) -> None:
    answer = visitor.sign_in(wrong)

    assert answer.status_code == 401
    assert "This is no valid API key." in answer.text
    assert len(wrong) < 2 or wrong not in answer.text
    assert not visitor.cookies


def test_the_key_is_in_no_page_no_log_and_nowhere_in_redis(
    visitor: Any, keys: tuple[str, str], redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.sign_in(keys[0])
    page = visitor.get("/emails")
    token = visitor.cookies["postroom"]
    kept = [name + repr(redis.hgetall(name)).encode() for name in redis.keys("postroom:web:session:*")]

    assert "shop" in page.text
    for secret in (keys[0], keys[0].split("_", 2)[2], token):
        assert secret not in page.text + caplog.text + repr(kept)
    assert [line.key for line in caplog.records if line.message == "signed in"] == [keys[0][3:15]]


def test_the_cookie_is_for_this_site_only_and_for_tls_but_on_loopback(
    visitor: Any, keys: tuple[str, str]
) -> None:
    near = visitor.sign_in(keys[0]).headers["set-cookie"].lower()
    visitor.base, visitor.cookies = "https://mail.example.org", type(visitor.cookies)()
    far = visitor.sign_in(keys[0]).headers["set-cookie"].lower()

    for cookie in (near, far):
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
        assert "domain" not in cookie
    assert near.startswith("postroom=")
    assert "secure" not in near
    assert far.startswith("__host-postroom=")
    assert "secure" in far


def test_a_browser_that_keeps_no_cookie_is_told_why_it_is_not_signed_in(visitor: Any) -> None:
    answer = visitor.get("/emails?signed-in")

    assert answer.status_code == 401
    assert "did not keep the session" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-site"},
    ],
    ids=["none", "other", "null", "other port", "cross-site", "same-site"],
)
def test_another_site_signs_nobody_in_and_changes_nothing(
    visitor: Any, keys: tuple[str, str], headers: dict[str, str]
) -> None:
    refused = visitor.post(SIGN_IN, headers=headers, key=keys[0])
    visitor.sign_in(keys[0])
    out = visitor.post("/emails/sign-out", headers=headers)

    assert refused.status_code == out.status_code == 403
    assert "another site" in refused.text
    assert "set-cookie" not in refused.headers
    assert visitor.get("/emails").status_code == 200


def test_a_form_of_another_session_changes_nothing(operator: Any) -> None:
    operator.form = "0" * 64

    assert operator.post("/emails/sign-out").status_code == 403
    assert operator.get("/emails").status_code == 200


def test_signing_out_ends_the_session_also_for_whoever_has_its_token(operator: Any, redis: Redis) -> None:
    token = operator.cookies["postroom"]
    answer = operator.post("/emails/sign-out")
    said = operator.get(answer.headers["location"])
    operator.cookies.set("postroom", token, domain="127.0.0.1")

    assert "You are signed out." in said.text
    assert operator.get("/emails").status_code == 303
    assert redis.keys("postroom:web:session:*") == []


def test_signing_in_anew_ends_the_session_before(operator: Any, keys: tuple[str, str], redis: Redis) -> None:
    operator.sign_in(keys[1])

    assert len(redis.keys("postroom:web:session:*")) == 1
    assert "other" in operator.get("/emails").text


def test_attempts_are_counted_for_each_place(visitor: Any, keys: tuple[str, str]) -> None:
    answers = [visitor.post(SIGN_IN, key="wrong") for _ in range(BURST)]
    refused = visitor.post(SIGN_IN, key=keys[0])
    visitor.headers["X-Forwarded-For"] = "192.0.2.1"
    elsewhere = visitor.post(SIGN_IN, key=keys[0])

    assert {answer.status_code for answer in answers} == {401}
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 6
    assert "too many attempts" in refused.text.lower()
    assert elsewhere.status_code == 303


def test_a_proxy_is_believed_what_it_saw_and_nobody_what_they_say(visitor: Any) -> None:
    for number in range(BURST):
        visitor.headers["X-Forwarded-For"] = f"10.0.0.{number}, 192.0.2.1"
        visitor.post(SIGN_IN, key="wrong")
    behind = visitor.post(SIGN_IN, key="wrong")
    visitor.peer = "192.0.2.9"
    for number in range(BURST):
        visitor.headers["X-Forwarded-For"] = f"10.0.1.{number}"
        visitor.post(SIGN_IN, key="wrong")

    assert behind.status_code == 429
    assert visitor.post(SIGN_IN, key="wrong").status_code == 429


def test_an_ipv6_household_is_one_place(visitor: Any) -> None:
    for number in range(BURST):
        visitor.peer = f"2001:db8::{number}"
        visitor.post(SIGN_IN, key="wrong")
    visitor.peer = "2001:db8::ffff"
    same = visitor.post(SIGN_IN, key="wrong")
    visitor.peer = "2001:db8:0:1::1"

    assert (same.status_code, visitor.post(SIGN_IN, key="wrong").status_code) == (429, 401)


def test_a_revoked_key_ends_its_sessions(operator: Any, gateway: Gateway, key_file: KeyFile) -> None:
    key_file.revoke(key_file.read()[0].id)
    gateway.keyring = Keyring(key_file)

    assert operator.get("/emails").status_code == 303


@pytest.mark.parametrize("status", [400, 413, 415])
def test_what_is_no_form_is_refused(visitor: Any, status: int) -> None:
    bodies = {400: (b"%ff=%ff", "x-www-form-urlencoded"), 413: (b"a" * 20_000, "x-www-form-urlencoded")}
    content, kind = bodies.get(status, (b"{}", "json"))
    headers = {"Origin": visitor.base, "Content-Type": f"application/{kind}"}
    answer = visitor._ask("POST", SIGN_IN, content=content, headers=headers)  # noqa: SLF001 (no form)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


def test_a_session_ends_half_an_hour_after_its_last_use(redis: Redis) -> None:
    sessions = Sessions(redis)
    token = sessions.begin("k")
    [name] = redis.keys("postroom:web:session:*")
    redis.pexpire(name, 5000)

    assert sessions.find(token, is_used=False) == "k"
    assert redis.pttl(name) <= 5000
    assert sessions.find(token) == "k"
    assert redis.pttl(name) > (IDLE - 60) * 1000


def test_a_session_ends_after_a_working_day_however_much_it_is_used(redis: Redis) -> None:
    sessions = Sessions(redis)
    token = sessions.begin("k")
    [name] = redis.keys("postroom:web:session:*")
    redis.hincrby(name, "ends", 10_000 - LONGEST * 1000)
    assert sessions.find(token) == "k"
    assert redis.pttl(name) <= 10_000
    redis.hincrby(name, "ends", -20_000)

    assert sessions.find(token) is None
    assert redis.keys("postroom:web:session:*") == []


def test_a_token_that_was_never_given_is_nobodys(redis: Redis) -> None:
    assert Sessions(redis).find("x" * 43) is None


def test_a_page_that_loads_itself_again_does_not_keep_the_session_alive(operator: Any, redis: Redis) -> None:
    [name] = redis.keys("postroom:web:session:*")
    redis.pexpire(name, 5000)
    operator.get("/emails/x?again")
    by_itself = redis.pttl(name)
    operator.get("/emails/x")

    assert by_itself <= 5000 < redis.pttl(name)
