"""Finding emails again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from producers.web.index import Index, Mention
from tasks.journal.keys import MAIL

if TYPE_CHECKING:
    from redis import Redis


def hand_in(call: Any, mail: dict[str, Any], count: int, **fields: Any) -> list[str]:
    """Hand *count* emails in and return their ids, newest first."""
    batch = [{**mail, "subject": f"{fields} {number}", **fields} for number in range(count)]
    outcomes = call("POST", "/v1/emails/batch", json=batch).json()["outcomes"]
    return [outcome["email"]["id"] for outcome in reversed(outcomes)]


def walk(call: Any, query: str) -> list[list[str]]:
    """Follow the cursor to its end, and return the ids of each page."""
    pages: list[list[str]] = []
    cursor = ""
    while cursor is not None:
        page = call("GET", f"/v1/emails?{query}{cursor and '&cursor='}{cursor}").json()
        pages.append([email["id"] for email in page["emails"]])
        cursor = page["next"]
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_a_walk_over_the_pages_meets_every_email_once_newest_first(
    call: Any, mail: dict[str, Any], limit: int
) -> None:
    ids = hand_in(call, mail, 7)

    pages = walk(call, f"limit={limit}")

    assert [mail_id for page in pages for mail_id in page] == ids
    assert all(len(page) <= limit for page in pages)


def test_emails_are_found_by_their_reference(call: Any, mail: dict[str, Any]) -> None:
    ids = hand_in(call, mail, 3, metadata={"reference": "order: 4711"})
    hand_in(call, mail, 2, metadata={"reference": "order: 471"})
    hand_in(call, mail, 2)

    assert [i for page in walk(call, "reference=order:%204711&limit=2") for i in page] == ids
    assert walk(call, "reference=order") == [[]]


def test_emails_are_found_by_their_state(call: Any, mail: dict[str, Any]) -> None:
    first, second, third = hand_in(call, mail, 3)
    call("DELETE", f"/v1/emails/{second}")

    assert [i for page in walk(call, "state=cancelled") for i in page] == [second]
    assert [i for page in walk(call, "state=queued") for i in page] == [first, third]


def test_a_key_finds_its_own_emails_only(call: Any, other: Any, mail: dict[str, Any]) -> None:
    hand_in(call, mail, 2, metadata={"reference": "r"})

    assert walk(other, "") == [[]]
    assert walk(other, "reference=r") == [[]]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "state=lost", "cursor=x", "cursor=-1"])
def test_a_wrong_parameter_is_refused(call: Any, query: str) -> None:
    assert call("GET", f"/v1/emails?{query}").status_code == 422


def test_an_email_that_was_not_new_is_listed_once(call: Any, mail: dict[str, Any], redis: Redis) -> None:
    for _ in range(3):
        call("POST", "/v1/emails", json=mail, headers={"Idempotency-Key": "k"})

    assert [len(page) for page in walk(call, "")] == [1]
    assert [redis.zcard(name) for name in redis.keys("postroom:web:mails:*")] == [1]


def test_the_lists_forget_emails_whose_records_are_gone(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.web.index._UNTOUCHED", -60_000_000)
    index = Index(redis)
    for number in range(200):
        index.remember({"k": [Mention(f"m{number}", reference="r")]})
        redis.set(f"{MAIL}m{number}", "")
        redis.delete(f"{MAIL}m{number - 50}")

    # Fifty have a record; a fourth of what there is may be past, and the draw has some play.
    assert 50 <= redis.zcard("postroom:web:mails:k") < 100
    assert 50 <= redis.zcard("postroom:web:references:k") < 100


def test_the_lists_never_forget_an_email_that_is_about_to_be_accepted(redis: Redis) -> None:
    index = Index(redis)
    for number in range(100):
        index.remember({"k": [Mention(f"m{number}", reference="r")]})

    assert redis.zcard("postroom:web:mails:k") == 100
    assert redis.zcard("postroom:web:references:k") == 100


def test_the_lists_outlive_the_last_email_and_what_is_due_later(redis: Redis) -> None:
    index = Index(redis)
    index.remember({"k": [Mention("m")]}, delay=1e7)
    index.remember({"k": [Mention("n")]})

    assert redis.ttl("postroom:web:mails:k") > 1e7
