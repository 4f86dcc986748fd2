"""What a scripted server does at a step instead of, or beside, answering at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from tasks.testing.channel import Channel

_CODE: Final = re.compile(r"(\d{3})(?: |$)")


class Action(Protocol):
    """Something that a server does; *code* is the reply code that it gives thereby, if any."""

    @property
    def code(self) -> int | None:
        """The reply code that the client sees."""
        ...

    def perform(self, channel: Channel) -> None:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class Say:
    """
    Answer with *text*, whose lines get their line ends, after *delay* seconds.

    With *every* it comes byte by byte, that many seconds apart.
    """

    text: str
    delay: float = 0.0
    every: float = 0.0

    @property
    def code(self) -> int | None:
        """The code of the last line."""
        found = _CODE.match(self.text.splitlines()[-1]) if self.text else None
        return int(found[1]) if found else None

    def perform(self, channel: Channel) -> None:
        """Answer."""
        channel.wait(self.delay)
        channel.send("".join(f"{line}\r\n" for line in self.text.splitlines()).encode(), every=self.every)


@dataclass(frozen=True, slots=True)
class Send:
    """Send *data* as it is: garbage, half a reply, or more than one."""

    data: bytes
    every: float = 0.0

    @property
    def code(self) -> int | None:
        """The code of the first line."""
        found = _CODE.match(self.data[:4].decode("latin-1"))
        return int(found[1]) if found else None

    def perform(self, channel: Channel) -> None:
        """Send."""
        channel.send(self.data, every=self.every)


class _Wordless:
    """An action that gives no reply."""

    @property
    def code(self) -> int | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class Silence(_Wordless):
    """Say nothing and read nothing for ever."""

    def perform(self, channel: Channel) -> None:
        """Wait until the server is closed."""
        channel.wait(float("inf"))


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection, after saying *text*."""

    text: str = ""

    @property
    def code(self) -> int | None:
        """The code of *text*."""
        return Say(self.text).code

    def perform(self, channel: Channel) -> None:
        """Close."""
        Say(self.text).perform(channel)
        channel.drop()


@dataclass(frozen=True, slots=True)
class Reset(_Wordless):
    """Break the connection off with a TCP reset."""

    def perform(self, channel: Channel) -> None:
        """Break off."""
        channel.reset()


@dataclass(frozen=True, slots=True)
class Flood(_Wordless):
    """Send *data* again and again until the client goes away."""

    data: bytes = b"250-and another line of a reply without end\r\n"

    def perform(self, channel: Channel) -> None:
        """Send without end."""
        while True:
            channel.send(self.data * 100)


@dataclass(frozen=True, slots=True)
class Pause(_Wordless):
    """Wait *seconds*, then do what comes by itself."""

    seconds: float

    def perform(self, channel: Channel) -> None:
        """Wait."""
        channel.wait(self.seconds)


#: What a step of a script may be: one action, for each time, or a tuple with one for each time in turn, after
#: which the server goes on by itself. A text is a reply; None is what the server does by itself.
One: TypeAlias = Action | str | None
Step: TypeAlias = One | tuple[One, ...]
