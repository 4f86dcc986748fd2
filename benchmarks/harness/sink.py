"""
A mail server that takes everything and counts it, as far away as it is told to be.

Run it with `python -m benchmarks.harness.sink --rtt 0.02`. It prints its port. Every reply to a batch of
input leaves one round trip after the input came, the banner two (TCP's handshake is one of them); XCOUNT
tells how many messages it has taken. It models the round trip only, not bandwidth or a slow start.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"
_REPLIES = {b"EHLO": _EHLO, b"HELO": b"250 sink\r\n", b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}


class Counter:
    """How many messages all sessions took."""

    messages = 0


class Session(asyncio.Protocol):
    """One SMTP session."""

    def __init__(self, counter: Counter, rtt: float) -> None:
        self._counter = counter
        self._rtt = rtt
        self._buffer = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        self._later(b"220 sink ESMTP\r\n", 2 * self._rtt)

    def data_received(self, data: bytes) -> None:
        """Answer everything that is complete, in one write."""
        self._buffer += data
        replies = []
        while (reply := self._next()) is not None:
            replies.append(reply)
        if replies:
            self._later(b"".join(replies), self._rtt)

    def _next(self) -> bytes | None:
        if self._in_data:
            _, dot, rest = self._buffer.partition(b"\r\n.\r\n")
            if not dot:
                return None
            self._buffer, self._in_data = rest, False
            self._counter.messages += 1
            return b"250 2.0.0 taken\r\n"
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return None
        verb = line[:4].upper()
        # What follows DATA begins with a line end, so that an empty message is found as well.
        self._in_data = verb == b"DATA"
        self._buffer = b"\r\n" + rest if self._in_data else rest
        if verb == b"XCOU":
            return b"250 %d\r\n" % self._counter.messages
        return _REPLIES.get(verb, b"250 2.0.0 ok\r\n")

    def _later(self, reply: bytes, seconds: float) -> None:
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._write, reply)
        else:
            self._write(reply)

    def _write(self, reply: bytes) -> None:
        self._transport.write(reply)  # type: ignore[attr-defined] # a stream's transport
        if reply.endswith(_REPLIES[b"QUIT"]):
            self._transport.close()


async def serve(rtt: float) -> None:
    """Serve on a free port of this machine until stopped."""
    counter = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(counter, rtt), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A mail server that takes everything.")
    parser.add_argument("--rtt", type=float, default=0.0, help="seconds of a round trip")
    asyncio.run(serve(parser.parse_args().rtt))
