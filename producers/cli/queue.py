"""Talking to the queue in a command, and ending the command with what came of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from producers.away import located
from producers.cli import connection, gateways
from producers.cli.exit_codes import worst
from producers.cli.output import print_answers, print_json
from producers.errors import QueueUnavailable, RateLimited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from producers.cli.answers import Answer
    from producers.client import Mailer


@contextmanager
def connected(
    broker: str | None, journal: str | None, *, url: str | None = None, key_file: str | None = None
) -> Iterator[Mailer]:
    """
    Lend a client for the queue or the gateway that the options or the environment name.

    Raises:
        QueueUnavailable: with the place where it should be.
        RateLimited: it is there, and takes no more for now.
    """
    remote = gateways.remote(url=url, key_file=key_file, broker=broker, journal=journal)
    try:
        with remote.mailer() if remote else connection.mailer(broker, journal) as mailer:
            yield mailer
    except RateLimited:
        raise
    except QueueUnavailable as away:
        where = remote.place if remote else connection.place(broker, journal)
        option = "--url" if remote else "--broker"
        raise located(away, where, option) from away


def finish(answers: Sequence[Answer], *, as_json: bool, is_list: bool = True) -> NoReturn:
    """
    Print *answers*, as a list or the only one as an object, and exit with the code for all of them.

    Raises:
        SystemExit: always.
    """
    if not as_json:
        print_answers(answers)
    elif is_list:
        print_json([answer.as_json() for answer in answers])
    else:
        print_json(answers[0].as_json())
    sys.exit(worst(answer.exit_code for answer in answers))
