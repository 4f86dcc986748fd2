"""The sockets that a loop watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from kombu.utils import eventio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_ENDED: Final = eventio.ERR
#: Seconds that one look at the sockets may take where nothing limits it.
_LONGEST: Final = 60.0


class Sockets(Generic[T]):
    """
    Tells which of those who wait for sockets can go on.

    A socket stays registered for reading between waits, so that a wait costs no system call. One that has
    something to say while nobody listens is taken out until somebody does.
    """

    def __init__(self) -> None:
        self._poller: Any = eventio.poll()
        self._known: dict[int, tuple[object, int]] = {}
        self._waiting: dict[int, T] = {}
        self._watching: dict[int, Callable[[], object]] = {}

    def expect(self, owner: object, fileno: int, *, to_write: bool, who: T) -> None:
        """Have *who* wait until the socket *fileno* of *owner* is ready."""
        events = eventio.WRITE if to_write else eventio.READ
        known = self._known.get(fileno)
        if known is None or known[0] is not owner or known[1] != events:
            self._register(owner, fileno, events)
        self._waiting[fileno] = who

    def watch(self, owner: object, fileno: int, call: Callable[[], object]) -> None:
        """Have *call* made whenever the socket *fileno* of *owner* can be read from, until it is closed."""
        self._register(owner, fileno, eventio.READ)
        self._watching[fileno] = call

    def forget(self, fileno: int) -> None:
        """Have nobody wait for the socket *fileno*."""
        self._waiting.pop(fileno, None)

    def look(self, seconds: float) -> Iterator[T]:
        """Wait for at most *seconds* until a socket is ready; yield those who waited, and make the calls."""
        for fileno, _ in self._poller.poll(min(seconds, _LONGEST)) or ():
            if fileno in self._waiting:
                yield self._waiting.pop(fileno)
            elif call := self._watching.get(fileno):
                call()
            else:
                self._unregister(fileno)

    def close(self) -> None:
        """Watch no socket any more."""
        self._poller.close()

    def _register(self, owner: object, fileno: int, events: int) -> None:
        # Whatever had the number before is closed, or was watched for something else.
        self._unregister(fileno)
        self._poller.register(fileno, events | _ENDED)
        self._known[fileno] = owner, events

    def _unregister(self, fileno: int) -> None:
        self._known.pop(fileno, None)
        self._watching.pop(fileno, None)
        self._poller.unregister(fileno)
