"""What is known of each recipient."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.delivery.progress import Progress, Standing
from tasks.failures import Receipt, Reply

RECIPIENTS = ("a@x.org", "b@x.org", "c@x.org")
OK = Receipt(Reply(250, "ok"))

_refusal = st.sampled_from([Reply(451, "later"), Reply(550, "never", "5.1.1")])
_refusals = st.dictionaries(st.sampled_from(RECIPIENTS), _refusal)
_event = st.one_of(
    st.tuples(st.sampled_from(["take", "refuse"]), _refusals),
    st.tuples(st.sampled_from(["doubt", "reopen"]), st.just({})),
)


def apply(progress: Progress, kind: str, replies: dict[str, Reply]) -> None:
    tried = progress.open
    replies = {recipient: reply for recipient, reply in replies.items() if recipient in tried}
    match kind:
        case "take":
            progress.take(Receipt(OK.reply, replies), tried)
        case "refuse":
            progress.refuse(replies)
        case "doubt":
            progress.doubt(tried, Reply(690, "silence"))
        case _:
            progress.reopen()


@given(st.lists(_event, max_size=8))
def test_whoever_got_a_copy_is_never_tried_again(events: list[tuple[str, dict[str, Reply]]]) -> None:
    progress = Progress(RECIPIENTS)
    for kind, replies in events:
        accepted = set(progress.having(Standing.ACCEPTED))
        apply(progress, kind, replies)

        assert accepted <= set(progress.having(Standing.ACCEPTED))
        assert not accepted & set(progress.open)


@given(st.lists(_event, max_size=8))
def test_a_doubt_is_only_ended_by_an_acceptance(events: list[tuple[str, dict[str, Reply]]]) -> None:
    progress = Progress(RECIPIENTS)
    doubted: set[str] = set()
    for kind, replies in events:
        apply(progress, kind, replies)
        doubted |= set(progress.having(Standing.DOUBTFUL))

    assert doubted <= set(progress.having(Standing.DOUBTFUL, Standing.SUSPECT, Standing.ACCEPTED))


@given(st.lists(_event, max_size=8))
def test_progress_survives_the_journal(events: list[tuple[str, dict[str, Reply]]]) -> None:
    progress = Progress(RECIPIENTS)
    for kind, replies in events:
        apply(progress, kind, replies)

    restored = Progress.decode(RECIPIENTS, progress.encode())

    assert [(restored.standing_of(r), restored.reply_to(r)) for r in RECIPIENTS] == [
        (progress.standing_of(r), progress.reply_to(r)) for r in RECIPIENTS
    ]
    assert "x.org" not in progress.encode()


@given(st.lists(_event, max_size=8))
def test_what_a_dot_covers_is_in_doubt_until_there_is_an_answer(
    events: list[tuple[str, dict[str, Reply]]],
) -> None:
    progress = Progress(RECIPIENTS)
    for kind, replies in events:
        apply(progress, kind, replies)
    before = progress.encode()
    covered = Progress.decode(RECIPIENTS, progress.covered())
    covered.doubt_all()

    assert set(covered.having(Standing.DOUBTFUL)) >= set(progress.open)
    assert covered.open == ()
    assert covered.having(Standing.ACCEPTED) == progress.having(Standing.ACCEPTED)
    assert progress.encode() == before, "looking at it changes nothing"


def test_of_what_is_tried_for_the_first_time_nothing_is_noted() -> None:
    assert Progress(RECIPIENTS).covered() == ""


def test_what_was_known_of_a_mail_stays_so_whoever_finds_its_dot_unanswered() -> None:
    progress = Progress(RECIPIENTS)
    progress.refuse({RECIPIENTS[0]: Reply(550, "no such user")})

    found = Progress.decode(RECIPIENTS, progress.covered())
    found.doubt_all()

    assert found.standing_of(RECIPIENTS[0]) is Standing.REFUSED
    assert set(found.having(Standing.DOUBTFUL)) == set(RECIPIENTS[1:])
