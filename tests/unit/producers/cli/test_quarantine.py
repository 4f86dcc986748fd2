"""`postroom quarantine`, with a quarantine made of a dict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import pytest

from producers.cli import connection
from producers.errors import EntryNotFound, NotRequeued, QueueUnavailable
from tasks.journal.quarantine import Quarantined
from tasks.journal.quarantine_facts import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
ENTRY = Quarantined(
    entry_id="a1",
    first_at=AT,
    last_at=AT,
    times=3,
    lane="default",
    reason="body: is not base64",
    size=412,
    is_kept=True,
    facts=Facts("send_email", "m-1", {"headers.task": "text of 10"}),
)


@dataclass
class Room:
    """What the commands need of a `QuarantineRoom`."""

    found: dict[str, Quarantined] = field(default_factory=dict)
    requeued: list[str] = field(default_factory=list)
    is_away: bool = False

    def entries(self) -> list[Quarantined]:
        if self.is_away:
            raise QueueUnavailable("the queue cannot be reached (ConnectionError)")
        return list(self.found.values())

    def entry(self, entry_id: str) -> Quarantined:
        if entry_id not in self.found:
            raise EntryNotFound(entry_id)
        return self.found[entry_id]

    def requeue(self, entry_id: str) -> Quarantined:
        if not self.entry(entry_id).is_kept:
            raise NotRequeued(entry_id, "it was too large to be kept")
        self.requeued.append(entry_id)
        return self.found.pop(entry_id)

    def drop(self, entry_id: str) -> Quarantined:
        self.entry(entry_id)
        return self.found.pop(entry_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    fake = Room({"a1": ENTRY, "b2": replace(ENTRY, entry_id="b2", times=1, facts=Facts())})
    monkeypatch.setattr(connection, "quarantine", lambda *_: fake)
    return fake


def test_entries_are_listed(postroom: Callable[..., Any], room: Room) -> None:  # noqa: ARG001
    first, second = postroom("quarantine", "list")[1].splitlines()

    assert first == "a1  2030-01-31T12:00:00+00:00  default  412 bytes  body: is not base64  id m-1  3 times"
    assert second == "b2  2030-01-31T12:00:00+00:00  default  412 bytes  body: is not base64"


def test_an_entry_is_shown_with_its_parts(postroom: Callable[..., Any], room: Room) -> None:  # noqa: ARG001
    code, document, _ = postroom("quarantine", "show", "a1", "--json")

    assert code == 0
    assert document == {
        "id": "a1",
        "first_at": "2030-01-31T12:00:00+00:00",
        "last_at": "2030-01-31T12:00:00+00:00",
        "times": 3,
        "lane": "default",
        "reason": "body: is not base64",
        "size": 412,
        "can_be_requeued": True,
        "task": "send_email",
        "mail_id": "m-1",
        "parts": {"headers.task": "text of 10"},
    }
    text = postroom("quarantine", "show", "a1")[1]
    assert f"{'reason':<32}body: is not base64\n" in text
    assert f"{'headers.task':<32}text of 10\n" in text


def test_nothing_there_is_an_empty_list(postroom: Callable[..., Any], room: Room) -> None:
    room.found.clear()

    assert postroom("quarantine", "list", "--json")[:2] == (0, [])
    assert postroom("quarantine", "list") == (0, "", "")


def test_entries_are_put_back(postroom: Callable[..., Any], room: Room) -> None:
    assert postroom("quarantine", "requeue", "b2", "a1") == (0, "b2  requeued\na1  requeued\n", "")
    assert room.requeued == ["b2", "a1"]


def test_all_are_put_back_the_oldest_first(postroom: Callable[..., Any], room: Room) -> None:
    assert postroom("quarantine", "requeue", "--all", "--json")[:2] == (
        0,
        [{"id": "b2", "outcome": "requeued"}, {"id": "a1", "outcome": "requeued"}],
    )
    assert room.requeued == ["b2", "a1"]


def test_all_are_thrown_away(postroom: Callable[..., Any], room: Room) -> None:
    assert postroom("quarantine", "drop", "--all")[0] == 0
    assert room.found == {}


def test_one_that_is_missing_does_not_keep_the_others(postroom: Callable[..., Any], room: Room) -> None:
    code, document, _ = postroom("quarantine", "drop", "never", "a1", "--json")

    assert code == 4
    assert document[0]["error"]["code"] == "no_such_entry"
    assert document[1] == {"id": "a1", "outcome": "dropped"}
    assert set(room.found) == {"b2"}


def test_why_an_entry_cannot_be_put_back_is_said(postroom: Callable[..., Any], room: Room) -> None:
    room.found["a1"] = replace(ENTRY, is_kept=False)
    code, output, errors = postroom("quarantine", "requeue", "a1")

    assert (code, output) == (2, "")
    assert errors == "postroom: entry a1 cannot be put back: it was too large to be kept\n"


@pytest.mark.parametrize("arguments", [[], ["a1", "--all"]], ids=["neither", "both"])
@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_ids_or_all_are_named(
    postroom: Callable[..., Any], room: Room, command: str, arguments: list[str]
) -> None:
    code, document, _ = postroom("quarantine", command, *arguments, "--json")

    assert (code, document["error"]["code"]) == (2, "usage")
    assert len(room.found) == 2


def test_a_missing_entry_cannot_be_shown(postroom: Callable[..., Any], room: Room) -> None:  # noqa: ARG001
    code, document, _ = postroom("quarantine", "show", "never", "--json")

    assert (code, document["error"]["code"]) == (4, "no_such_entry")


def test_without_a_queue_it_says_where_it_looked(postroom: Callable[..., Any], room: Room) -> None:
    room.is_away = True
    code, document, _ = postroom("quarantine", "list", "--json")

    assert code == 5
    assert "at 127.0.0.1:6379" in document["error"]["message"]
