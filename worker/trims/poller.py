"""A transport whose channels fetch in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.transport import redis

from worker.waker import Waker

if TYPE_CHECKING:
    from worker.trims.channel import FetchingChannel


class FetchingPoller(redis.MultiChannelPoller):
    """kombu's poller, with channels that fetch by themselves in the place of its BRPOP."""

    # kombu's, which its stubs do not know.
    _channels: set[FetchingChannel]
    _fd_to_chan: dict[int, tuple[FetchingChannel, str]]
    _register_LISTEN: Any  # noqa: N815 (kombu's name)

    #: The consumer's event loop, once there is one, and what it calls for the sockets of this poller.
    loop: Any = None
    reader: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._waker: Waker | None = None

    @property
    def fds(self) -> dict[int, Any]:
        """The sockets to watch; with a loop, those that it does not know: kombu adds them all each time."""
        fds: dict[int, Any] = dict(self._fd_to_chan)
        if self._waker:
            fds[self._waker.fileno()] = None
        return {fd: found for fd, found in fds.items() if not self._is_watched(fd)}

    def serve(self, loop: Any, reader: Any) -> None:
        """Have *loop*, the consumer's event loop, call *reader* for what can be read."""
        self.loop, self.reader = loop, reader
        self._waker = self._waker or Waker()

    def call_later(self, seconds: float) -> None:
        """
        Have the loop take a turn after *seconds*, whatever else happens.

        The loop is in the midst of a turn, and has decided already how long it rests after that: it is woken,
        or what it is called for would wait until then.
        """
        if self._waker:
            if seconds:
                self.loop.call_later(seconds, _nothing)
            self._waker.wake()

    def close(self) -> None:
        """Let go of all connections."""
        super().close()
        if self._waker:
            waker, self._waker = self._waker, None
            self.loop.remove(waker.fileno())
            waker.close()

    def _is_watched(self, fd: int) -> bool:
        # The number may have been that of another connection's socket, which left its callback behind.
        return self.loop is not None and self.loop.readers.get(fd, (None,))[0] == self.reader

    def on_poll_start(self) -> None:
        """Have the channels do what is to be done at a turn of the loop."""
        for channel in tuple(self._channels):
            channel.serve()
            if channel.active_fanout_queues:
                self._register_LISTEN(channel)

    def on_readable(self, fileno: int) -> None:
        """Have a channel read what came; a bell's answer whatever there is room for."""
        if self._waker and fileno == self._waker.fileno():
            self._waker.hear()
        channel, kind = self._fd_to_chan.get(fileno, (None, ""))
        if channel is not None:
            channel.handlers[kind]()

    def maybe_check_brpop_health(self) -> None:
        """Let go of bells that nobody answers."""
        for channel in tuple(self._channels):
            channel.bells.check(channel.health_check_interval)


def _nothing() -> None:
    """Do nothing, in its time."""
