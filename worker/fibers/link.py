"""One connection to Redis for all fibers of a loop."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from hiredis import PushNotification, Reader, pack_command
from redis._parsers.base import BaseParser
from redis.connection import SSLConnection
from redis.exceptions import (
    ConnectionError,  # noqa: A004 (Redis, not the system)
    InvalidResponse,
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004 (as above)
)

from tasks.journal.link import Link
from tasks.loops import current
from worker.fibers.loop import FiberLoop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from tasks.journal.link import Command
    from worker.fibers.loop import Wait

# Its types know commands of one part only.
_pack: Any = pack_command

_READ_SIZE: Final = 64 * 1024
#: Seconds that an answer may take where the client sets no time.
_LONGEST: Final = 5.0

_LATE: Final = object()
_NOT_ENOUGH: Final = object()


class SharedLink:
    """
    Sends the commands of fibers as they come, and answers each in its turn.

    What breaks the connection breaks it for all that wait for answers. Threads without a loop have a
    connection each, and so have all where the way to Redis is encrypted.
    """

    def __init__(self, redis: Redis) -> None:
        self._plain = Link(redis)
        self._pool: Any = redis.connection_pool
        self._is_encrypted = issubclass(self._pool.connection_class, SSLConnection)
        self._line: _Line | None = None

    def call(self, *command: str | bytes | float) -> Any:
        """Send *command* and return the answer, or the error that it is. Raises as `Link.call`."""
        return self.call_all([command])[0]

    def call_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* together and return the answer to each. Raises as `call`."""
        loop = current()
        if not isinstance(loop, FiberLoop):
            return self._plain.call_all(commands)
        if self._is_encrypted:
            # Bytes that TLS has decrypted ahead make no socket ready.
            return loop.offload(lambda: self._plain.call_all(commands))
        if self._line is None or self._line.loop is not loop:
            self._line = _Line(loop, self._pool)
        return self._line.ask([_pack(command) for command in commands])


class _Line:
    """The connection of one loop: what is to be sent, and who waits for which answer."""

    def __init__(self, loop: FiberLoop, pool: Any) -> None:
        self.loop = loop
        self._pool = pool
        self._longest = pool.connection_kwargs.get("socket_timeout") or _LONGEST
        self._unsent: list[bytes] = []
        self._waiting: deque[_Question] = deque()
        self._connection: Any = None
        self._reader: Any = None
        self._is_connecting = False
        #: Whether the kernel takes nothing more for now.
        self._is_held_up = False
        loop.chores.append(self._send)

    def ask(self, packed: list[bytes]) -> list[Any]:
        """Send *packed*, at once where that is possible, and return the answers."""
        question = _Question(self.loop.wait_for(self._longest), len(packed))
        self._unsent += packed
        self._waiting.append(question)
        # Not only when all fibers wait: Redis works while they do.
        self._send()
        error = self.loop.park(late=_LATE)
        if error is _LATE:
            error = TimeoutError("Redis did not answer in time")
            # What comes next over this connection would be the answer to this question.
            self._break(error)
        if error is not None:
            raise error
        return question.answers

    def _send(self) -> None:
        if not self._unsent or self._is_held_up:
            return
        if self._connection is None:
            if not self._is_connecting:
                self._is_connecting = True
                self.loop.spawn(self._connect)
            return
        data, self._unsent = b"".join(self._unsent), []
        sock = self._connection._sock  # noqa: SLF001 (no other way to wait for it with others)
        try:
            count = sock.send(data)
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._break(ConnectionError(f"Redis cannot be reached ({type(error).__name__})"))
            return
        if count < len(data):
            self._unsent.append(data[count:])
            self._is_held_up = True
            self.loop.spawn(lambda: self._await_room(sock))

    def _await_room(self, sock: Any) -> None:
        """Wait until the kernel takes more; those who wait for answers have set the time for it."""
        self.loop.wait(self._unsent, sock.fileno(), to_write=True, seconds=self._longest)
        if self._connection and self._connection._sock is sock:  # noqa: SLF001 (as above)
            self._is_held_up = False
            self._listen()

    def _connect(self) -> None:
        try:
            connection = self.loop.offload(self._pool.get_connection)
        except Exception as error:  # noqa: BLE001 (whatever it is, those who wait must hear of it)
            known = error if isinstance(error, RedisError) else ConnectionError(type(error).__name__)
            self._break(known)
            return
        finally:
            self._is_connecting = False
        connection._sock.setblocking(False)  # noqa: SLF001, FBT003 (as above; the socket's own signature)
        self._connection = connection
        self._reader = Reader(
            protocolError=InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_NOT_ENOUGH
        )
        self._listen()

    def _listen(self) -> None:
        sock = self._connection._sock  # noqa: SLF001 (as above)
        self.loop.watch(sock, sock.fileno(), self._receive)

    def _receive(self) -> None:
        try:
            data = self._connection._sock.recv(_READ_SIZE)  # noqa: SLF001 (as above)
            if not data:
                self._break(ConnectionError("Redis closed the connection"))
                return
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _NOT_ENOUGH:
                self._hand_out(answer)
        except BlockingIOError:
            pass
        except (OSError, InvalidResponse) as error:
            self._break(ConnectionError(f"Redis cannot be read ({type(error).__name__})"))

    def _hand_out(self, answer: Any) -> None:
        if isinstance(answer, PushNotification):
            return
        if not self._waiting or isinstance(answer, ReadOnlyError):
            # A master that is none any more: there may be another one by now.
            self._break(answer if isinstance(answer, ReadOnlyError) else ConnectionError("unasked answer"))
            return
        question = self._waiting[0]
        question.answers.append(answer)
        if len(question.answers) == question.count:
            self.loop.wake(self._waiting.popleft().wait, None)

    def _break(self, error: RedisError) -> None:
        """Let go of the connection, and tell all who wait for an answer."""
        connection, self._connection = self._connection, None
        waiting, self._waiting = self._waiting, deque()
        self._unsent, self._is_held_up = [], False
        if connection:
            connection.disconnect()
            self._pool.release(connection)
        for question in waiting:
            self.loop.wake(question.wait, type(error)(*error.args))


class _Question:
    """What a fiber asked: how many answers it waits for, and those that came."""

    __slots__ = ("answers", "count", "wait")

    def __init__(self, wait: Wait, count: int) -> None:
        self.wait = wait
        self.count = count
        self.answers: list[Any] = []
