from __future__ import annotations

import pytest

from tasks.testing.actions import Drop, Pause, Reset, Say, Send, Silence
from tasks.testing.script import Play, Script


def test_one_step_is_played_each_time() -> None:
    play = Play(Script(mail="250 ok"))

    assert [play.next("mail") for _ in range(3)] == [Say("250 ok")] * 3
    assert play.next("data") is None


def test_a_tuple_is_played_once_in_turn() -> None:
    play = Play(Script(dot=("451 later", None, Drop())))

    assert [play.next("dot") for _ in range(5)] == [Say("451 later"), None, Drop(), None, None]


def test_recipients_have_steps_and_counts_of_their_own() -> None:
    play = Play(Script(rcpt={"a@example.com": ("450 busy",), "b@example.com": "550 no"}))

    assert play.next("rcpt", "a@example.com") == Say("450 busy")
    assert play.next("rcpt", "b@example.com") == Say("550 no")
    assert play.next("rcpt", "a@example.com") is None
    assert play.next("rcpt", "b@example.com") == Say("550 no")
    assert play.next("rcpt", "c@example.com") is None


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Say("250 ok"), 250),
        (Say("250-a\n251 b"), 251),
        (Say("250"), 250),
        (Say("banana"), None),
        (Send(b"250 ok\r\n"), 250),
        (Send(b"\xff\xfe"), None),
        (Drop(), None),
        (Drop("421 bye"), 421),
        (Silence(), None),
        (Reset(), None),
        (Pause(1.0), None),
    ],
    ids=str,
)
def test_an_action_knows_the_code_that_it_gives(action: Say, code: int | None) -> None:
    assert action.code == code
