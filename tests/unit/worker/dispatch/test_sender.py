"""A sender carries its turns to the end, whatever a mail does to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from tasks.delivery.job import Job, LeftAlone, PutBack, Settled, Suspect
from worker.dispatch.desk import Desk
from worker.dispatch.items import CHORES, SUSPECTS, Chore, Errand
from worker.dispatch.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.dispatch.items import Outcome

SENT: Any = Settled(SimpleNamespace(code=250))  # type: ignore[arg-type]  # all that is looked at


class TimedDesk(Desk[Errand | Chore]):
    """A desk whose time is *now*."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(
            lanes=["default"],
            connections=8,
            senders=1,
            exceptions={SUSPECTS: 1, CHORES: 8},
            clock=lambda: self.now,
        )


@dataclass
class Carrier:
    """A delivery service that does what the test says, and notes what it was asked for."""

    on_take_up: Callable[[Sequence[Job], Any], object] = lambda _run, _report: None
    on_attempt: Callable[[Sequence[Any], Any], list[Any] | None] | None = None
    taken_up: list[tuple[list[str], bool]] = field(default_factory=list)
    attempted: list[list[str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def take_up(self, run: Sequence[Job], report: Any, *, in_company: bool) -> list[Any]:
        self.taken_up.append(([job.mail_id for job in run], in_company))
        told: list[int] = []

        def note(job: Job, verdict: Any) -> None:
            told.append(id(job))
            report(job, verdict)

        self.on_take_up(run, note)
        return [SimpleNamespace(job=job, wait=0.0) for job in run if id(job) not in told]

    def attempt(self, mails: Sequence[Any], report: Any, **options: Any) -> list[Any]:
        self.attempted.append([mail.job.mail_id for mail in mails])
        self.options = options
        if self.on_attempt:
            return self.on_attempt(mails, report) or []
        for mail in mails:
            report(mail.job, SENT)
        return []

    def cancel(self, run: Sequence[Job]) -> None:
        self.cancelled += [job.mail_id for job in run]


@dataclass
class Hooks:
    """The pool, as a sender sees it."""

    revoked: set[str] = field(default_factory=set)
    begun: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def is_revoked(self, errand: Errand) -> bool:
        return errand.job.mail_id in self.revoked

    def accepted(self, errands: Sequence[Errand]) -> None:
        self.begun += [errand.job.mail_id for errand in errands]

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    @property
    def verdicts(self) -> dict[str, Any]:
        assert len({id(outcome.errand) for outcome in self.outcomes}) == len(self.outcomes), "told twice"
        return {outcome.errand.job.mail_id: outcome.verdict for outcome in self.outcomes}


@dataclass
class Office:
    """A sender with everything around it."""

    carrier: Carrier = field(default_factory=Carrier)
    hooks: Hooks = field(default_factory=Hooks)
    desk: TimedDesk = field(default_factory=TimedDesk)

    def put(self, *mail_ids: str, way: str = "way") -> None:
        request: Any = None
        self.desk.put(Errand(request, Job(mail_id, "default", {}), way, "default") for mail_id in mail_ids)

    def carry(self, *, later: float = 0.0) -> None:
        """Take turns in this thread until nothing waits; what rests for *later* seconds waits by then."""
        self.desk.now += later
        sender = Sender(self.desk, lambda: self.carrier, self.hooks)
        while turn := self.desk.take():
            sender.take(turn)


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_run_is_taken_up_in_company_and_each_mail_reported(office: Office) -> None:
    office.put("a", "b")
    office.carry()

    assert office.carrier.taken_up == [(["a", "b"], True)]
    assert office.hooks.begun == ["a", "b"]
    assert office.hooks.verdicts == {"a": SENT, "b": SENT}


def test_what_the_journal_settles_at_once_is_not_attempted(office: Office) -> None:
    office.carrier.on_take_up = lambda run, report: report(run[0], LeftAlone("busy"))
    office.put("a")
    office.carry()

    assert office.carrier.attempted == []
    assert office.hooks.verdicts == {"a": LeftAlone("busy")}


def test_while_the_journal_is_away_mails_rest_and_are_tried_again(office: Office) -> None:
    def away(_run: Any, _report: Any) -> None:
        raise RedisAway

    office.carrier.on_take_up = away
    office.put("a", "b")
    office.carry()
    assert (office.desk.state().resting, office.hooks.outcomes) == (2, [])
    office.carrier.on_take_up = lambda _run, _report: None
    office.carry(later=1.0)

    assert office.hooks.verdicts == {"a": SENT, "b": SENT}


def test_revoked_mails_are_cancelled_before_anything_is_taken_up(office: Office) -> None:
    office.hooks.revoked = {"b"}
    order: list[str] = []
    cancel = office.carrier.cancel
    office.carrier.cancel = lambda run: (order.append("cancel"), cancel(run))[1]  # type: ignore[method-assign]
    office.carrier.on_take_up = lambda run, _report: order.extend(job.mail_id for job in run)
    office.put("a", "b")
    office.carry()

    assert office.carrier.cancelled == ["b"]
    assert order == ["cancel", "a", "b"]


def test_a_suspect_is_set_apart_and_taken_up_alone(office: Office) -> None:
    def suspects(run: Sequence[Job], report: Any) -> None:
        for job in run:
            if job.mail_id in {"b", "c"} and len(office.carrier.taken_up) == 1:
                report(job, Suspect())

    office.carrier.on_take_up = suspects
    office.put("a", "b", "c")
    office.carry()

    assert office.carrier.taken_up[1:] == [(["b"], False), (["c"], False)]
    assert office.hooks.verdicts == {"a": SENT, "b": SENT, "c": SENT}
    assert [outcome.errand.way for outcome in office.hooks.outcomes] == ["way", SUSPECTS, SUSPECTS]


def test_a_mail_that_must_wait_rests_and_is_not_taken_up_again(office: Office) -> None:
    waits = iter([2.5])

    def hesitant(mails: Sequence[Any], report: Any) -> list[Any]:
        for wait in waits:
            mails[0].wait = wait
            return [mails[0]]
        report(mails[0].job, SENT)
        return []

    office.carrier.on_attempt = hesitant
    office.put("a")
    office.carry()
    assert office.desk.state().resting == 1
    office.carry(later=2.4)
    assert office.carrier.attempted == [["a"]]
    office.carry(later=0.1)

    assert office.carrier.attempted == [["a"], ["a"]]
    assert office.carrier.taken_up == [(["a"], True)]
    assert office.hooks.verdicts == {"a": SENT}


def test_mails_behind_one_that_hangs_are_another_turns_as_soon_as_they_are_passed_on(office: Office) -> None:
    def hang(mails: Sequence[Any], report: Any) -> None:
        first, *behind = mails
        if len(office.carrier.attempted) == 1:
            for mail in behind:
                office.carrier.options["pass_on"](mail)
            assert office.desk.state().resting == len(behind)
            behind = []
        for mail in (first, *behind):
            report(mail.job, SENT)

    office.carrier.on_attempt = hang
    office.put(*[str(number) for number in range(8)])
    office.carry()

    assert len(office.carrier.attempted[0]) == 8
    assert len(office.hooks.verdicts) == 8
    taken = [mail_id for run, _ in office.carrier.taken_up for mail_id in run]
    assert sorted(taken) == sorted(set(taken)), "none is taken up twice"


@pytest.mark.parametrize("error", [MemoryError, SystemExit, KeyboardInterrupt, RuntimeError])
def test_a_mail_that_breaks_its_turn_before_it_is_taken_up_is_tried_thrice_and_left(
    office: Office, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def break_it(run: Sequence[Job], _report: Any) -> None:
        if any(job.mail_id == "bad" for job in run):
            raise error("canary")

    office.carrier.on_take_up = break_it
    office.put("bad")
    office.put("good", way="other")
    office.carry()
    assert office.hooks.verdicts == {"good": SENT}
    office.carry(later=1.0)
    office.carry(later=1.0)

    assert office.hooks.verdicts["bad"] == LeftAlone("internal error")
    assert len([run for run, _ in office.carrier.taken_up if run == ["bad"]]) == 3
    assert "canary" not in caplog.text


def test_what_breaks_an_attempt_leaves_only_the_mails_without_a_verdict(office: Office) -> None:
    def break_it(mails: Sequence[Any], report: Any) -> None:
        report(mails[0].job, SENT)
        raise SystemExit

    office.carrier.on_attempt = break_it
    office.put("a", "b", "c")
    office.carry()

    alone = LeftAlone("internal error")
    assert office.hooks.verdicts == {"a": SENT, "b": alone, "c": alone}
    assert office.desk.state().busy == 0


def test_a_chore_is_worked_off_and_one_that_raises_ends_nothing(office: Office) -> None:
    done: list[str] = []

    def fail() -> None:
        raise SystemExit

    office.desk.put([Chore(fail, "default"), Chore(lambda: done.append("next"), "default")])
    office.put("a")
    office.carry()

    assert done == ["next"]
    assert office.hooks.verdicts == {"a": SENT}


def test_a_run_begins_no_further_mail_once_the_desk_is_closed_or_two_seconds_are_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []
    now = 1000.0
    monkeypatch.setattr("worker.dispatch.sender.time.monotonic", lambda: now)

    def ask(mails: Sequence[Any], report: Any) -> None:
        nonlocal now
        goes_on = office.carrier.options["goes_on"]
        answers.append(goes_on())
        now += 2.0
        answers.append(goes_on())
        now -= 2.0
        office.desk.close()
        answers.append(goes_on())
        report(mails[0].job, PutBack(451, "later", 9.0))

    office.carrier.on_attempt = ask
    office.put("a")
    office.carry()

    assert answers == [True, False, False]
