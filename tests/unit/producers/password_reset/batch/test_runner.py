"""Running a job with a desk made of lists: claims, resuming, pausing, cancelling, retrying."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import fakeredis
import pytest

from producers.password_reset.batch.catching_up import cancel_waiting, catch_up
from producers.password_reset.batch.checking import Usable, sifted
from producers.password_reset.batch.flow import Tolerance
from producers.password_reset.batch.pacing import Pace
from producers.password_reset.batch.records import RowState, mail_id_of
from producers.password_reset.batch.retries import begin_again
from producers.password_reset.batch.rows import Wish
from producers.password_reset.batch.runner import Ending, Runner
from producers.password_reset.batch.store import Job, JobState, Store
from tests.servers.list_desk import ListDesk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

JOB = "users-1"


@pytest.fixture
def redis() -> Iterator[Redis]:
    client = fakeredis.FakeRedis()
    yield client
    client.close()


@pytest.fixture
def store(redis: Redis) -> Store:
    made = Store(redis)
    made.open(Job(JOB, JobState.RUNNING, rows=5, actor="ben"))
    return made


@pytest.fixture
def desk() -> ListDesk:
    return ListDesk()


def rows(count: int = 5) -> Iterator[Usable]:
    text = "user\n" + "".join(f"u{number}\n" for number in range(count))
    found = sifted(io.BytesIO(text.encode()), Wish("ben"))
    return iter([each for each in found if isinstance(each, Usable)])


def runner(store: Store, desk: ListDesk, redis: Redis, **options: Any) -> Runner:
    pace = Pace(redis, account=None, rate=options.pop("rate", 1e6))
    return Runner(JOB, store, desk, pace, **{"sleep": lambda _: None, **options})  # type: ignore[arg-type]  # a double


def states(store: Store) -> list[str]:
    found = sorted(store.records(JOB), key=lambda record: record.line)
    return [record.state.value for record in found]


def test_each_row_is_asked_for_once_and_settled(store: Store, desk: ListDesk, redis: Redis) -> None:
    desk.codes = {"u3": 550}
    ending = runner(store, desk, redis).run(rows())

    assert ending is Ending.DONE
    assert [user for _, user in desk.asked] == ["u0", "u1", "u2", "u3", "u4"]
    assert states(store) == ["sent", "sent", "sent", "failed", "sent"]
    assert store.counts(JOB)[RowState.SENT] == 4
    job = store.job(JOB)
    assert job
    assert job.state is JobState.DONE


def test_a_second_run_asks_for_nothing(store: Store, desk: ListDesk, redis: Redis) -> None:
    runner(store, desk, redis).run(rows())
    first = list(desk.asked)
    store.set_state(JOB, JobState.RUNNING)

    assert runner(store, desk, redis).run(rows()) is Ending.DONE
    assert desk.asked == first


def test_two_runs_at_once_share_the_rows(store: Store, desk: ListDesk, redis: Redis) -> None:
    """The second takes what the first has not claimed, since each step of the first lets it run."""
    other = ListDesk()
    begun: list[Ending] = []

    def start_the_other() -> None:
        if not begun:
            begun.append(Ending.INTERRUPTED)
            runner(store, other, redis).run(rows())

    desk.on_rows = start_the_other
    runner(store, desk, redis, in_flight=2).run(rows())
    mail_ids = [mail_id for mail_id, _ in (*desk.asked, *other.asked)]

    assert {user for _, user in (*desk.asked, *other.asked)} == {f"u{n}" for n in range(5)}
    # One that both ask for has one id, under which it is handed in once.
    assert set(mail_ids) == {mail_id_of(JOB, f"u{n}") for n in range(5)}


def test_never_more_are_under_way_than_agreed(store: Store, desk: ListDesk, redis: Redis) -> None:
    most: list[int] = []
    desk.codes = dict.fromkeys((f"u{n}" for n in range(5)), None)

    def let_one_go(_: float) -> None:
        waiting = [user for _, user in desk.asked if desk.codes[user] is None]
        most.append(len(waiting))
        desk.codes[waiting[0]] = 250

    runner(store, desk, redis, in_flight=2, sleep=let_one_go).run(rows())

    assert max(most) == 2
    assert states(store) == ["sent"] * 5


def test_a_run_that_died_is_continued_and_its_claims_are_asked_for_under_the_same_ids(
    store: Store, desk: ListDesk, redis: Redis
) -> None:
    dead = ListDesk()
    dead.on_rows = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        runner(store, dead, redis).run(rows())
    runner(store, desk, redis).run(rows())

    assert desk.asked == dead.asked
    assert states(store) == ["sent"] * 5


def test_a_claim_older_than_the_journals_memory_is_unknown_unless_the_journal_knows(
    store: Store, desk: ListDesk, redis: Redis
) -> None:
    desk.codes = dict.fromkeys((f"u{n}" for n in range(5)), None)
    runner(store, desk, redis, told_to_stop=lambda: bool(desk.asked)).run(rows())
    remembered = desk.asked[0]
    desk.asked, desk.codes = [remembered], {}
    day = 24 * 3600
    runner(store, desk, redis, now=lambda: time.time() + day).run(rows())

    assert states(store) == ["sent", "unknown", "unknown", "unknown", "unknown"]
    assert desk.asked == [remembered]


def test_a_job_that_pauses_itself_begins_no_more_rows_and_says_why(
    store: Store, desk: ListDesk, redis: Redis
) -> None:
    desk.codes = dict.fromkeys((f"u{n}" for n in range(200)), 611)
    ending = runner(store, desk, redis, in_flight=5, tolerance=Tolerance(failures=3)).run(rows(200))
    job = store.job(JOB)

    assert ending is Ending.PAUSED
    assert job
    assert (job.state, job.why) == (JobState.PAUSED, "3 rows in a row failed with 611: said so")
    assert len(desk.asked) < 20


def test_a_pause_by_command_holds_also_while_the_pace_is_waited_for(
    store: Store, desk: ListDesk, redis: Redis
) -> None:
    ending = runner(store, desk, redis, rate=1.0, sleep=lambda _: store.set_state(JOB, JobState.PAUSED)).run(
        rows()
    )

    assert ending is Ending.PAUSED
    assert len(desk.asked) == 1
    store.set_state(JOB, JobState.RUNNING)
    redis.delete("postroom:pace:")
    assert runner(store, desk, redis).run(rows()) is Ending.DONE
    assert states(store) == ["sent"] * 5


def test_a_job_that_is_cancelled_cancels_what_waits(store: Store, desk: ListDesk, redis: Redis) -> None:
    desk.codes = dict.fromkeys((f"u{n}" for n in range(5)), None)
    desk.on_rows = lambda: store.set_state(JOB, JobState.CANCELLED)
    ending = runner(store, desk, redis).run(rows())

    assert ending is Ending.CANCELLED
    assert states(store) == ["skipped"] * 5


def interrupted(store: Store, desk: ListDesk, redis: Redis) -> None:
    """Leave a job as a run does that was killed: rows handed in, none settled."""
    desk.codes = dict.fromkeys((f"u{n}" for n in range(5)), None)
    runner(store, desk, redis, told_to_stop=lambda: bool(desk.asked)).run(rows())


def test_what_became_of_rows_after_their_run_was_killed_is_found_out(
    store: Store, desk: ListDesk, redis: Redis
) -> None:
    interrupted(store, desk, redis)
    assert states(store) == ["queued"] * 5
    desk.codes = {"u0": 250, "u1": 550, "u2": None, "u3": 250, "u4": 250}
    catch_up(store, desk, JOB)

    assert states(store) == ["sent", "failed", "queued", "sent", "sent"]


def test_cancelling_reaches_rows_of_a_run_that_was_killed(store: Store, desk: ListDesk, redis: Redis) -> None:
    interrupted(store, desk, redis)
    forgotten = desk.asked.pop()
    cancel_waiting(store, desk, JOB)

    assert len(desk.cancelled) == 5
    assert forgotten[0] in desk.cancelled
    assert states(store) == ["skipped"] * 5


@pytest.mark.parametrize(("only", "again"), [("transient", ["u1", "u2"]), ("unknown", ["u4"])])
def test_failures_that_may_pass_or_may_have_been_sent_are_begun_again_each_as_a_new_mail(
    only: Any, again: list[str], store: Store, desk: ListDesk, redis: Redis
) -> None:
    desk.codes = {"u1": 451, "u2": 611, "u3": 550}
    runner(store, desk, redis).run(rows())
    last = max(store.records(JOB), key=lambda record: record.line)
    store.note(JOB, [type(last)(last.line, last.mail_id, RowState.UNKNOWN, last.at, code=690)])
    before, desk.asked, desk.codes = dict(desk.asked), [], {}
    count = begin_again(store, JOB, only=only)
    store.set_state(JOB, JobState.RUNNING)
    runner(store, desk, redis).run(rows())

    assert count == len(again)
    assert [user for _, user in desk.asked] == again
    assert not set(dict(desk.asked)) & set(before)


def test_the_pace_is_shared_by_all_who_use_the_account(redis: Redis) -> None:
    first, second = (Pace(redis, account="bulk", rate=5) for _ in range(2))
    other = Pace(redis, account="other", rate=5)

    assert first.take(3)[0] + second.take(9)[0] == 5
    granted, wait = second.take(1)
    assert granted == 0
    assert 0 < wait <= 0.2
    assert other.take(2)[0] == 2


def test_a_job_is_what_its_first_run_said_and_does_as_many_rows_as_the_last(redis: Redis) -> None:
    store = Store(redis)
    store.open(Job("j", JobState.RUNNING, rows=2, actor="ben", wish={"template": "own"}))
    job = store.open(Job("j", JobState.RUNNING, rows=9, actor="eve", wish={"template": "other"}))

    assert (job.rows, job.actor, job.wish) == (9, "ben", {"template": "own"})
    assert redis.ttl("postroom:batch:j") > 29 * 24 * 3600
    assert store.job("none") is None
