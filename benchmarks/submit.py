"""
What a mail costs between the envelope and the server's last reply, against smtplib on a kept connection.

Run it with `python -m benchmarks.submit`. Both send the same mails in turns to the same server, which is a
process of its own and pipelines; processor time is this process's alone, so the server's does not count.
The exit status is 1 where Postroom takes more than three quarters of what smtplib does.
"""

from __future__ import annotations

import argparse
import smtplib
import sys
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from benchmarks._distant_server import distant_server
from tasks.contract.security import Security
from tasks.deadline import Deadline
from tasks.envelope import Envelope
from tasks.failures import Receipt
from tasks.smtp.route import Route
from tasks.smtp.submission import Submission
from tasks.smtp.transport import SmtpTransport
from tasks.smtp.trust import ServerTrust

if TYPE_CHECKING:
    from collections.abc import Callable

_SENDER, _RECIPIENT = "shop@example.com", "ann@example.com"
_CONTENT = b"From: shop@example.com\r\nTo: ann@example.com\r\nSubject: Hello\r\n\r\n" + b"A line.\r\n" * 110
_RUN = 50

#: Least ratio of processor time that is worth an engine of our own, beside all that smtplib cannot do.
_BAR = 4 / 3


def _with_postroom(port: int) -> Callable[[int], None]:
    transport = SmtpTransport()
    route = Route("default", "127.0.0.1", port, Security.NONE, ServerTrust(), None, "localhost")
    envelope = Envelope(_SENDER, (_RECIPIENT,), _CONTENT)

    def send(count: int) -> None:
        for start in range(0, count, _RUN):
            run = [
                Submission(str(i), envelope, Deadline.after(60))
                for i in range(start, min(start + _RUN, count))
            ]
            answers = transport.submit(route, run, mark=lambda marked: [True] * len(marked))
            if not all(isinstance(answer, Receipt) for answer in answers):
                raise RuntimeError("a mail was not accepted")

    return send


def _with_smtplib(port: int) -> Callable[[int], None]:
    connection = smtplib.SMTP("127.0.0.1", port, local_hostname="localhost")

    def send(count: int) -> None:
        for _ in range(count):
            connection.sendmail(_SENDER, [_RECIPIENT], _CONTENT)

    return send


def _measured(send: Callable[[int], None], count: int) -> tuple[float, float]:
    """Return the seconds by the clock and of this process's processor time for one mail."""
    wall, processor = perf_counter(), process_time()
    send(count)
    return (perf_counter() - wall) / count, (process_time() - processor) / count


def main() -> int:
    """Print what both take for a mail, and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds, each with both senders (default 9)")
    parser.add_argument("--mails", type=int, default=500, help="mails of a round (default 500)")
    options = parser.parse_args()
    with distant_server(0.0) as port:
        ours, library = _with_postroom(port), _with_smtplib(port)
        ours(_RUN), library(_RUN)
        pairs = [
            (_measured(ours, options.mails), _measured(library, options.mails)) for _ in range(options.rounds)
        ]
    ratio = 0.0
    print(f"{'a mail of 1 KB':16} {'Postroom':>10} {'smtplib':>10} {'ratio':>8}")
    for i, name in enumerate(("elapsed", "processor")):
        mine, theirs = (median(pair[j][i] for pair in pairs) for j in (0, 1))
        ratio = theirs / mine
        print(f"{name:16} {mine * 1e6:7.0f} us {theirs * 1e6:7.0f} us {ratio:6.1f} x")
    return 0 if ratio >= _BAR else 1


if __name__ == "__main__":
    sys.exit(main())
