"""A mail server that is a round trip away, as a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

_HELLO = b"250-distant.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
_SIMPLE = {b"EHLO": _HELLO, b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"QUIT": b"221 bye\r\n"}


class _Session:
    """Takes every mail, by DATA (RFC 5321) or BDAT (RFC 3030); hangs up without a word after *most_mails*."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, round_trip: float, most_mails: int
    ) -> None:
        self._reader, self._writer = reader, writer
        self._round_trip = round_trip
        self._most_mails = most_mails
        self._said: list[bytes] = []

    async def run(self) -> None:
        """Speak until one side leaves."""
        self._say(b"220 distant.example\r\n")
        mails = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                line = await self._reader.readuntil(b"\r\n")
                verb = line[:4].upper()
                if verb == b"MAIL" and mails == self._most_mails:
                    # What was said before is still on its way.
                    await asyncio.sleep(self._round_trip)
                    break
                mails += await self._answer(verb, line)
        self._writer.close()

    async def _answer(self, verb: bytes, line: bytes) -> bool:
        """Answer a command; whether it ended a mail."""
        if verb in _SIMPLE:
            self._say(_SIMPLE[verb])
            return False
        if verb == b"DATA":
            self._say(b"354 go on\r\n")
            await self._reader.readuntil(b"\r\n.\r\n")
        else:
            await self._reader.readexactly(int(line.split()[1]))
        self._say(b"250 queued\r\n")
        return True

    def _say(self, reply: bytes) -> None:
        """Say *reply* together with those to the other commands that came at the same time."""
        if not self._said:
            asyncio.get_running_loop().call_soon(self._depart)
        self._said.append(reply)

    def _depart(self) -> None:
        said, self._said = b"".join(self._said), []
        if self._round_trip:
            asyncio.get_running_loop().call_later(self._round_trip, self._arrive, said)
        else:
            self._arrive(said)

    def _arrive(self, said: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(said)


async def _serve(line: Connection, round_trip: float, most_mails: int) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Session(reader, writer, round_trip, most_mails).run()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, limit=2**20)
    line.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run(line: Connection, round_trip: float, most_mails: int) -> None:
    asyncio.run(_serve(line, round_trip, most_mails))


@contextmanager
def distant_server(round_trip: float, *, most_mails: int = -1) -> Iterator[int]:
    """Yield the port of a server that answers after *round_trip* seconds, and hangs up after *most_mails*."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run, args=(there, round_trip, most_mails), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()
