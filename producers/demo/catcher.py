"""
The demo's mail server: keeps every mail as a file, knows no `nobody`.

`python -m producers.demo.catcher --port PORT --folder FOLDER`; it needs aiosmtpd, and listens on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP

from producers.demo.names import LOOPBACK, NOBODY

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

_REFUSAL = "550 5.1.1 No such user here"


class Catcher:
    """Keeps mails in *folder* as 1.eml, 2.eml …; each appears under its name when it is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse nobody; accept everybody else."""
        if address.partition("@")[0].lower() == NOBODY:
            return _REFUSAL
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail, with its envelope in front as trace headers."""
        number = next(self._numbers)
        content = envelope.original_content or b""
        await asyncio.to_thread(self._keep, number, _trace(envelope) + content)
        return f"250 2.0.0 OK: kept as {number}.eml"

    def _keep(self, number: int, content: bytes) -> None:
        unfinished = self._folder / f".{number}.part"
        unfinished.write_bytes(content)
        unfinished.replace(self._folder / f"{number}.eml")


def _trace(envelope: Envelope) -> bytes:
    """Return the envelope as headers: that is where BCC can be seen."""
    recipients = ", ".join(envelope.rcpt_tos)
    return f"Return-Path: <{envelope.mail_from}>\r\nX-Envelope-To: {recipients}\r\n".encode()


async def serve(port: int, folder: Path) -> None:
    """Catch mails until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, hostname="catcher.localhost"), LOOPBACK, port
    )
    async with server:
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m producers.demo.catcher", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(options.port, options.folder))


if __name__ == "__main__":
    main()
