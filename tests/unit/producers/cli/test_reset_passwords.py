"""`postroom reset-passwords`, with a desk made of lists: what is said, and with which exit code."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest

from producers.cli import connection
from tests.servers.list_desk import ListDesk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    client = fakeredis.FakeRedis()
    yield client
    client.close()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, redis: Redis) -> ListDesk:
    made = ListDesk()

    @contextmanager
    def lend(*_: object) -> Iterator[ListDesk]:
        yield made

    monkeypatch.setattr(connection, "resets", lend)
    monkeypatch.setattr(connection, "journal", lambda *_: redis)
    # Handlers for signals belong to the process that runs the tests.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return made


@pytest.fixture
def users(tmp_path: Path) -> str:
    file = tmp_path / "users.csv"
    file.write_text("user,locale\nann,de\nbob,en\n")
    return str(file)


def start(postroom: Any, *arguments: str) -> tuple[int, Any, str]:
    found: tuple[int, Any, str] = postroom("reset-passwords", *arguments, "--actor", "ben", "--json")
    return found


@pytest.mark.parametrize(("codes", "code"), [({}, 0), ({"bob": 550}, 1)], ids=["all sent", "some not"])
def test_the_exit_code_says_whether_all_were_sent(
    codes: dict[str, int | None], code: int, postroom: Any, desk: ListDesk, users: str
) -> None:
    desk.codes = codes
    ended, document, _ = start(postroom, users)

    assert ended == code
    assert (document["state"], document["rows"]) == ("done", 2)
    assert document["counts"]["sent"] == 2 - code
    assert [user for _, user in desk.asked] == ["ann", "bob"]


def test_a_dry_run_shows_the_mail_in_each_language_of_the_file(
    postroom: Any, desk: ListDesk, users: str, redis: Redis
) -> None:
    code, document, _ = start(postroom, users, "--dry-run")

    assert code == 0
    assert [sample["locale"] for sample in document["samples"]] == ["de", "en"]
    assert desk.asked == []
    assert redis.keys() == []


def test_with_rows_that_are_wrong_nothing_is_sent_unless_they_are_to_be_skipped(
    postroom: Any, desk: ListDesk, users: str
) -> None:
    with open(users, "a") as file:  # noqa: PTH123 - one line more
        file.write("eve,?\n")
    refused = start(postroom, users)
    asked = list(desk.asked)
    skipped = start(postroom, users, "--skip-invalid")

    assert (refused[0], asked) == (2, [])
    assert refused[1]["errors"] == [
        {"line": 4, "problem": 'Locale: is no language tag; must be one such as "en" or "de-AT"'}
    ]
    assert (skipped[0], len(desk.asked)) == (0, 2)


def test_the_users_may_come_from_standard_input(
    postroom: Any, desk: ListDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"user\nann\n")))
    code, document, _ = start(postroom, "-")

    assert code == 0
    assert document["job"].startswith("stdin-")
    assert len(desk.asked) == 1


def test_the_first_rows_of_a_file_and_then_the_others_are_one_job(
    postroom: Any, desk: ListDesk, users: str
) -> None:
    first = start(postroom, users, "--limit", "1")[1]
    second = start(postroom, users)[1]

    assert first["job"] == second["job"]
    assert (first["rows"], second["rows"], second["counts"]["sent"]) == (1, 2, 2)
    assert len(desk.asked) == 2


def test_a_job_is_paused_resumed_and_cancelled_by_its_id(postroom: Any, desk: ListDesk, users: str) -> None:
    job = start(postroom, users, "--limit", "1")[1]["job"]
    steps = [
        postroom("reset-passwords", "resume", job, "--json")[1]["state"],
        postroom("reset-passwords", "pause", job, "--json")[1]["state"],
        start(postroom, users)[0],
        postroom("reset-passwords", "resume", job, "--json")[1]["state"],
        postroom("reset-passwords", "cancel", job, "--json")[1]["state"],
        start(postroom, users)[0],
        start(postroom, "retry-failed", users, "--only", "transient")[0],
        postroom("reset-passwords", "cancel", job)[0],
    ]

    assert steps == ["running", "paused", 3, "running", "cancelled", 3, 3, 2]
    assert len(desk.asked) == 1


def test_a_retry_is_the_mail_that_the_job_was_begun_with(
    postroom: Any, desk: ListDesk, users: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.codes = {"bob": 451}
    start(postroom, users, "--ttl", "600", "--account", "bulk", "--reason", "leak")
    desk.codes, asked = {}, []
    for_rows = desk.for_rows
    monkeypatch.setattr(desk, "for_rows", lambda rows: (asked.extend(rows), for_rows(rows)))
    code, document, _ = start(postroom, "retry-failed", users, "--only", "transient")
    [(_, reset)] = asked

    assert (code, document["counts"]["sent"]) == (0, 2)
    assert (reset.user, reset.ttl, reset.account, reset.reason) == ("bob", 600, "bulk", "leak")


def test_a_job_that_nobody_began_is_told(postroom: Any, desk: ListDesk) -> None:
    del desk
    code, document, _ = postroom("reset-passwords", "status", "nothing-1", "--json")

    assert code == 2
    assert "there is no job 'nothing-1'" in document["error"]["message"]


def test_a_queue_that_is_away_is_told_and_the_job_can_be_started_again(postroom: Any, users: str) -> None:
    code, document, _ = start(postroom, users, "--broker", "redis://127.0.0.1:1/0")

    assert (code, document["error"]["code"]) == (5, "queue_unavailable")
    assert "127.0.0.1:1" in document["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/no/file"], "cannot be read"),
        (["{users}", "--ttl", "1"], "is no lifetime of a link"),
        (["{users}", "--template", "none", "--dry-run"], "there is no such mail"),
    ],
    ids=["file", "ttl", "template"],
)
def test_what_is_wrong_with_the_order_is_told(
    arguments: list[str], told: str, postroom: Any, desk: ListDesk, users: str
) -> None:
    code, document, _ = start(postroom, *(argument.format(users=users) for argument in arguments))

    assert code == 2
    assert told in document["error"]["message"]
    assert desk.asked == []
