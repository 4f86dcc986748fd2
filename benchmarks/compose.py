"""
How much faster Postroom writes a message than `email.message.EmailMessage` does.

Run it with `python -m benchmarks.compose`. Both write the same mail in turns in one process, so that a busy
machine slows both alike; the medians of the rounds are compared.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from tasks.contract.parameters import SendEmail
from tasks.message.attachments import Attachment
from tasks.message.compose import compose
from tasks.message.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ACCEPTED = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
_BODY = "Somebody asked for a new password for your account. Ignore this if it was not you.\n" * 12
_MAIL = SendEmail.model_validate(
    {"to": "Ann Example <ann@example.com>", "subject": "Your new password", "body": _BODY}
)
_SENDER = SendEmail.model_validate(
    {"to": "a@example.com", "subject": "-", "body": "-", "sender": "Shop <shop@example.com>"}
).sender
_FILE = Attachment("report.pdf", "application/pdf", bytes(range(256)) * 400)

#: Least ratios that are worth a writer of our own.
_BARS = {"1 KB text": 14.0, "100 KB attachment": 4.0}


def _ours(attachments: Sequence[Attachment]) -> bytes:
    assert _SENDER is not None  # noqa: S101 (the request above has one)
    identity = Identity.of("3d1f8a52-7a0c-4b5e-9f0e-2f6d1c9b8a70", _ACCEPTED, _SENDER.domain)
    envelope = compose(_MAIL, sender=_SENDER, identity=identity, attachments=attachments)
    return b"".join([envelope.content, *envelope.files])


def _library(attachments: Sequence[Attachment]) -> bytes:
    message = EmailMessage(SMTP)
    message["From"] = "Shop <shop@example.com>"
    message["To"] = "Ann Example <ann@example.com>"
    message["Subject"] = _MAIL.subject
    message["Date"] = format_datetime(_ACCEPTED)
    message["Message-ID"] = "<3d1f8a52-7a0c-4b5e-9f0e-2f6d1c9b8a70@example.com>"
    message.set_content(_MAIL.body)
    for attachment in attachments:
        kind, _, subtype = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, kind, subtype, filename=attachment.name)
    return message.as_bytes()


def _seconds(
    write: Callable[[Sequence[Attachment]], bytes], files: Sequence[Attachment], times: int
) -> float:
    start = perf_counter()
    for _ in range(times):
        write(files)
    return (perf_counter() - start) / times


def _compare(name: str, files: Sequence[Attachment], *, rounds: int, times: int) -> bool:
    pairs = [(_seconds(_ours, files, times), _seconds(_library, files, times)) for _ in range(rounds)]
    ours = median(pair[0] for pair in pairs)
    library = median(pair[1] for pair in pairs)
    ratio = library / ours
    passed: bool = ratio >= _BARS[name]
    verdict = "" if passed else f"  below {_BARS[name]:g}"
    print(f"{name:18} {ours * 1e6:8.1f} us  {library * 1e6:8.1f} us  {ratio:6.1f} x{verdict}")
    return passed


def main() -> int:
    """Print the ratios; 1 where one is below its bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21, help="rounds, each with both writers (default 21)")
    rounds = parser.parse_args().rounds
    print(f"{'':18} {'Postroom':>11}  {'EmailMessage':>11}")
    passed = [
        _compare("1 KB text", (), rounds=rounds, times=100),
        _compare("100 KB attachment", (_FILE,), rounds=rounds, times=10),
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
