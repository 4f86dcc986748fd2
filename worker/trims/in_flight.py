"""What a consumer has at hand, and how much more it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from worker.trims.window import PrefetchWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Messages that a channel without a limit of its own has in hand at most.
_NO_LIMIT: Final = 512
#: Messages of the first lane that are fetched although there is no room, so that a full house is no obstacle
#: for the mails that are in the greatest hurry.
_EXTRA: Final = 32
#: Messages that one fetch takes, and bytes in hand with which none begins.
_AT_ONCE: Final = 100
_MOST_BYTES: Final = 64 * 1024 * 1024
#: The part of the limit that must be free for a fetch: with most of it in hand nobody waits for more.
_WORTH_IT: Final = 8


class Room(NamedTuple):
    """How many *messages* to fetch, and how many more of the *first* lane; with time *grows* what may be."""

    messages: int
    first: int
    grows: bool


class InFlight:
    """The messages that were fetched and not given back: the size of each in bytes, by its tag."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        self._window = PrefetchWindow()

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, tag: str) -> bool:
        return tag in self._sizes

    def __iter__(self) -> Iterator[str]:
        return iter(self._sizes)

    def add(self, tag: str, size: int) -> None:
        """Note that a message is in hand."""
        self._sizes[tag] = size
        self._bytes += size

    def forget(self, tags: Iterable[str]) -> None:
        """Note that these messages are not in hand any more."""
        for tag in tags:
            self._bytes -= self._sizes.pop(tag, 0)

    def room(self, limit: int, *, done: int, is_more: bool) -> Room:
        """
        Return what to fetch of a queue in which more waits, or not, as *is_more* says.

        *limit* is how many messages may be in hand, 0 where nobody says so; *done* of them are through and
        wait for their acknowledgement only.
        """
        allowed = limit or _NO_LIMIT
        in_hand = len(self._sizes) - done
        most = min(allowed, self._window.size(in_hand, is_more=is_more))
        room = min(_AT_ONCE, most - in_hand)
        if self._bytes >= _MOST_BYTES or room < most // _WORTH_IT < _AT_ONCE:
            room = 0
        first = min(_EXTRA, most + _EXTRA - in_hand - room)
        return Room(max(0, room), max(0, first), is_more and most < allowed)
