"""Random replies, by the hundred thousand: each is read, or refused with one of two errors."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import Phase
from tasks.deadline import Deadline
from tasks.smtp.replies import meaning, read
from tasks.smtp.wire import LONGEST_LINE, LONGEST_REPLY, ConnectionLost, ProtocolError, Wire
from tests import sizes
from tests.scoreboard import Measure
from tests.unit.tasks.smtp.conftest import ScriptedSocket

if TYPE_CHECKING:
    from tests.scoreboard import Scoreboard

#: What replies are made of, and what they break at.
PIECES = [
    *(b"250", b"250-", b"250 ", b"354 go", b"421 ", b"550 5.1.1 ", b"999 ", b"25", b"2500", b"22O "),
    *(b"\r\n", b"\n", b"\r", b"\0", b"\r\r\n", b" ", b"-", b"\xff\xfe", "ü".encode(), b"4.7.1", b"x" * 600),
    *(
        b"\xf0\x9f",
        b"\x1b[31m",
        b"<a@b.org>",
        b"http://x/?y=z",
        b"=?utf-8?q?x?=",
        b"x" * 9000,
        b"250-a\r\n" * 130,
    ),
]


def pieces(chance: random.Random) -> list[bytes]:
    """Return what may come from a server in one reply, as it may be cut up on its way."""
    made = b"".join(
        chance.choice(PIECES) if chance.random() < 0.9 else chance.randbytes(chance.randint(1, 40))
        for _ in range(chance.randint(1, 12))
    )
    cut = sorted(chance.randrange(len(made) + 1) for _ in range(chance.randint(0, 4)))
    return [part for part in map(made.__getitem__, map(slice, [0, *cut], [*cut, None])) if part]


def outcome(given: list[bytes]) -> str:
    """Read one reply and all that is made of it; say how it ended, or how it broke."""
    try:
        raw = Wire(ScriptedSocket(given)).receive(Deadline.after(60))
        reply = read(raw)
        for phase in Phase:
            meaning(raw, phase)
    except (ProtocolError, ConnectionLost) as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001 (which is what is looked for)
        return f"broke: {type(error).__name__}"
    is_bounded = sum(map(len, raw.lines)) <= LONGEST_REPLY + LONGEST_LINE
    return "read" if is_bounded and reply.text.isprintable() else "broke: unbounded or unprintable"


@pytest.mark.timeout(3600)
def test_no_reply_breaks_the_parser(scoreboard: Scoreboard) -> None:
    count = sizes.scaled(1_000_000, once=3_000)
    chance = random.Random(count)  # noqa: S311 (no secret comes of it)
    outcomes = Counter(outcome(pieces(chance)) for _ in range(count))
    broken = sum(times for how, times in outcomes.items() if how.startswith("broke"))
    scoreboard.note(Measure.REPLY_FUZZ, broken, of=count)

    assert broken == 0, outcomes
    assert min(outcomes[how] for how in ("read", "ProtocolError", "ConnectionLost")) > count / 100
