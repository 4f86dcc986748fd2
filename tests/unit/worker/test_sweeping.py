"""The thread that publishes stray mails again goes on whatever it meets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from tasks.journal.sweeper import Stray
from worker.sweeping import Sweeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class App:
    """An app whose lanes are empty, and that notes what is published."""

    arguments = None

    def __init__(self) -> None:
        self.published: list[str] = []

    def connection_for_write(self) -> Any:
        empty = SimpleNamespace(message_count=0)
        return SimpleNamespace(default_channel=SimpleNamespace(queue_declare=lambda **_: empty))

    def send_task(self, _name: str, *, task_id: str, **_: Any) -> None:
        self.published.append(task_id)


class Strays:
    """A sweeper that finds *payloads*, which *fails* may keep it from."""

    def __init__(self, payloads: dict[str, str], *, fails: Callable[[], object] = lambda: None) -> None:
        self._payloads = payloads
        self._fails = fails

    def sweep(self, _empty: object) -> Iterator[Stray]:
        self._fails()
        for mail_id, payload in self._payloads.items():
            yield Stray(mail_id, "default", payload)


def sweeping(app: App, strays: Strays, recover: Callable[[], object] | None = None) -> Sweeping:
    recovery: Any = SimpleNamespace(recover=recover) if recover else None
    return Sweeping(app, strays, interval=1.0, recovery=recovery)  # type: ignore[arg-type]  # doubles


def raising(*errors: BaseException | None) -> Callable[[], object]:
    """Raise what each turn brings."""
    turns = iter(errors)

    def fail() -> None:
        error = next(turns)
        if error:
            raise error

    return fail


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "worker.sweeping"]


@pytest.mark.parametrize(
    "damaged",
    ['{"to": "canary', '["canary"]', "3", "null", "", "[" * 100_000],
    ids=["cut off", "a list", "a number", "null", "nothing", "nested"],
)
def test_a_damaged_record_costs_those_behind_it_nothing(
    damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()

    count = sweeping(app, Strays({"one": "{}", "damaged": damaged, "two": "{}"})).sweep()

    assert (app.published, count) == (["one", "two"], 2)
    assert "cannot publish again: the journal's record is damaged" in told(caplog)
    assert "canary" not in caplog.text


def test_a_record_of_a_lane_that_is_none_is_damaged_too() -> None:
    app, strays = App(), Strays({})
    strays.sweep = lambda _: iter([Stray("odd", "\udcfe", "{}"), Stray("two", "bulk", "{}")])  # type: ignore[method-assign]

    assert sweeping(app, strays).sweep() == 1
    assert app.published == ["two"]


def test_the_logbooks_of_the_dead_are_read_before_each_sweep() -> None:
    order: list[str] = []
    strays = Strays({}, fails=lambda: order.append("swept"))
    one = sweeping(App(), strays, lambda: order.append("cleaned up"))

    one.take_turn()
    one.take_turn()

    assert order == ["cleaned up", "swept"] * 2


def test_logbooks_that_cannot_be_read_do_not_keep_it_from_sweeping() -> None:
    app = App()

    sweeping(app, Strays({"one": "{}"}), raising(PermissionError("no"))).take_turn()

    assert app.published == ["one"]


def test_what_stands_in_its_way_is_told_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    fails = raising(RedisAway(), RedisAway(), OSError(), None, None, RedisAway())
    one = sweeping(App(), Strays({}, fails=fails))
    for _ in range(6):
        one.take_turn()

    assert told(caplog) == [
        "not swept",
        "not swept",
        "swept again",
        "not swept",
    ]


def test_a_bug_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    one = sweeping(app, Strays({"one": "{}"}, fails=raising(KeyError("canary"), None)))

    one.take_turn()
    one.take_turn()

    assert app.published == ["one"]
    assert [getattr(record, "error", None) for record in caplog.records] == ["bug: KeyError"]
