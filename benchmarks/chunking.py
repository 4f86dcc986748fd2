"""
What BDAT (RFC 3030) would bring, and what it would cost in mails whose outcome is unknown.

Run it with `python -m benchmarks.chunking`; docs/decisions/0018 says what follows from it. Postroom is
measured as it is. BDAT is a sketch: it sends several whole mails in one write, and knows nothing of refusals.
"""

from __future__ import annotations

import argparse
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks._distant_server import distant_server
from tasks.contract.security import Security
from tasks.deadline import Deadline
from tasks.envelope import Envelope
from tasks.failures import Receipt, Unconfirmed
from tasks.smtp.pool import PoolLimits
from tasks.smtp.route import Route
from tasks.smtp.submission import Submission
from tasks.smtp.transport import SmtpTransport
from tasks.smtp.trust import ServerTrust
from tasks.smtp.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.failures import Answer

_CONTENT = b"From: shop@example.com\r\nTo: ann@example.com\r\nSubject: Hello\r\n\r\n" + b"A line.\r\n" * 110
_ENVELOPE = Envelope("shop@example.com", ("ann@example.com",), _CONTENT)
_PATHS = b"MAIL FROM:<shop@example.com>\r\nRCPT TO:<ann@example.com>\r\n"
_BDAT = b"BDAT %d LAST\r\n" % len(_CONTENT) + _CONTENT


class Tally(NamedTuple):
    """How many mails were accepted, and of how many it is unknown."""

    sent: int
    unknown: int


def _postroom(port: int, mails: int, connections: int) -> Tally:
    transport = SmtpTransport(limits=PoolLimits(connections=connections))
    route = Route("default", "127.0.0.1", port, Security.NONE, ServerTrust(), None, "localhost")

    def send(count: int) -> list[Answer]:
        run = [Submission(str(i), _ENVELOPE, Deadline.after(600)) for i in range(count)]
        return transport.submit(route, run, mark=lambda marked: [True] * len(marked))

    with ThreadPoolExecutor(connections) as threads:
        shares = threads.map(send, [mails // connections] * connections)
        answers = [answer for share in shares for answer in share]
    transport.close()
    return Tally(
        sum(isinstance(answer, Receipt) for answer in answers),
        sum(isinstance(answer, Unconfirmed) for answer in answers),
    )


def _bdat(port: int, mails: int, window: int) -> Tally:
    deadline = Deadline.after(600)
    wire, sent, left = _greeted(port, deadline), 0, mails
    while left:
        count = min(window, left)
        left -= count
        try:
            wire.send((_PATHS + _BDAT) * count, deadline)
            for _ in range(count):
                replies = [wire.receive(deadline) for _ in ("MAIL", "RCPT", "BDAT")]
                sent += replies[-1].is_accepting
        except OSError:
            # The server may have read any of those whose answers are missing, or none.
            wire.close()
            wire = _greeted(port, deadline)
    wire.close()
    return Tally(sent, mails - sent)


def _greeted(port: int, deadline: Deadline) -> Wire:
    wire = Wire(socket.create_connection(("127.0.0.1", port)))
    wire.receive(deadline)
    wire.send(b"EHLO localhost\r\n", deadline)
    wire.receive(deadline)
    return wire


_FORMS: dict[str, Callable[[int, int], Tally]] = {
    "Postroom, 1 connection": lambda port, mails: _postroom(port, mails, 1),
    "Postroom, 10 connections": lambda port, mails: _postroom(port, mails, 10),
    "BDAT, 1 mail a write": lambda port, mails: _bdat(port, mails, 1),
    "BDAT, 10 mails a write": lambda port, mails: _bdat(port, mails, 10),
}


def _compare(title: str, port: int, mails: int) -> None:
    print(f"{title:42} {'mails/s':>8} {'sent':>6} {'unknown':>8}")
    for name, send in _FORMS.items():
        start = perf_counter()
        tally = send(port, mails)
        rate = mails / (perf_counter() - start)
        print(f"  {name:40} {rate:8.0f} {tally.sent:6} {tally.unknown:8}")


def main() -> int:
    """Print the rates, and what becomes of the mails at a server that hangs up after ten."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--mails", type=int, default=200, help="mails of each form (default 200)")
    mails = parser.parse_args().mails
    for round_trip in (0.02, 0.1):
        with distant_server(round_trip) as port:
            _compare(f"{round_trip * 1000:.0f} ms away", port, mails)
    with distant_server(0.02, most_mails=10) as port:
        _compare("20 ms away, hangs up after ten mails", port, mails)
    return 0


if __name__ == "__main__":
    sys.exit(main())
