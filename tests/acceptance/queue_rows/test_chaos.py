"""Everything at once: processes and Redis die, freeze and stop at random moments, while mails come in."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import pytest

from tasks.contract.result import RecipientState
from tasks.testing.actions import Drop, Say
from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests import sizes
from tests.acceptance.oracle import message_id_of
from tests.acceptance.queue_rows.disturbances import Disturbances, Producer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.acceptance.post_office import PostOffice
    from tests.acceptance.queue_rows.conftest import OpenOffice
    from tests.servers.redis_server import RedisServer

pytestmark = [pytest.mark.timeout(900)]

T = TypeVar("T")

#: So many steps of the server are thrown; all after them go well.
_THROWS = 100_000


def throws(chance: random.Random, outcomes: dict[T, float]) -> tuple[T | None, ...]:
    """Return an outcome or None for each of many steps, by how likely each is."""
    rest = 1.0 - sum(outcomes.values())
    return tuple(chance.choices([*outcomes, None], [*outcomes.values(), rest], k=_THROWS))


def of_ill_humour(seed: int) -> Script:
    """Return the script of a server that refuses and breaks off at random."""
    chance = random.Random(seed)  # noqa: S311 (a seed that says all)
    return Script(
        mail=throws(chance, {"451 4.3.2 busy": 0.01, Drop("421 4.3.2 bye"): 0.003}),
        rcpt=throws(chance, {"450 4.2.0 greylisted": 0.02, "550 5.1.1 no such user": 0.01}),
        dot=throws(
            chance,
            {
                "451 4.3.0 later": 0.05,
                "554 5.6.0 no": 0.01,
                Say("250 2.0.0 Ok", delay=2.0): 0.01,
                Drop(): 0.005,
            },
        ),
    )


def disturbed(office: PostOffice, redis: RedisServer, seed: int) -> dict[str, int]:
    """Have mails handed in and carried amid disturbances; return those that were accepted."""
    disturbances = Disturbances(office, redis, seed)
    with Producer(office, seed) as producer:
        disturbances.go_on(sizes.scaled(120, once=12))
    office.accepted = list(producer.numbers)
    return producer.numbers


def test_nothing_is_lost_or_doubled_whatever_dies_and_whenever(open_office: OpenOffice) -> None:
    ill = open_office()
    ill.office.is_hurried = True

    accepted = disturbed(ill.office, ill.redis, random.randrange(2**32))  # noqa: S311 (any moment)

    # A kill leaves what its connections were at: eight of each of two processes at most.
    ill.judge(unknown=max(32, len(accepted) // 500), seconds=150)


def test_every_recipient_has_what_the_result_says_whatever_dies_and_whatever_is_refused(
    open_office: OpenOffice,
) -> None:
    ill, seed = open_office(), random.randrange(2**32)  # noqa: S311 (any moment)
    office = ill.office
    office.is_hurried = True
    with ScriptedServer(of_ill_humour(seed)) as server:
        office.server = server
        numbers = disturbed(office, ill.redis, seed)
        office.wait_until(office.is_idle, "all mails", seconds=240)
        records = {mail_id: record for mail_id, record in office.records().items() if record}
        copies = Counter(copies_in(office))
    odd = [
        (mail_id, address, outcome, copies[office.message_id(mail_id, record), address])
        for mail_id, record in records.items()
        for address, outcome in zip(
            Producer.to(numbers[mail_id]), record.result.recipients if record.result else (), strict=False
        )
        if copies[office.message_id(mail_id, record), address] not in _COPIES[outcome.state]
    ]

    assert odd == []
    assert set(records) == set(numbers)
    assert all(record.result for record in records.values())


#: How many copies somebody may have whose mail has this result.
_COPIES = {
    RecipientState.SENT: {1},
    RecipientState.REFUSED: {0},
    RecipientState.NOT_SENT: {0},
    RecipientState.UNKNOWN: {0, 1},
}


def copies_in(office: PostOffice) -> Iterable[tuple[str, str]]:
    """Yield the Message-ID and the recipient of each copy that the server took."""
    for mail in office.server.mails:
        for address in mail.recipients:
            yield message_id_of(mail.content), address
