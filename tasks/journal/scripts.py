"""The journal's Lua scripts: each transition is one of them, so that it happens wholly or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from redis.exceptions import NoScriptError

from tasks.journal.keys import MAIL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from tasks.journal.link import Caller, Command

#: Redis does nothing else while a script runs, and holds all its arguments at once: so many calls go into one
#: command, and so many characters.
MOST_CALLS: Final = 100
_MOST_CHARACTERS: Final = 1024 * 1024
#: Calls that go together however large they are: the mark of one mail and the result of the one before.
_FEW: Final = 2


def _text(name: str) -> str:
    """Return the Lua text *name* that stands beside this module."""
    return resources.files("tasks.journal").joinpath(f"{name}.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the digest under which Redis knows it once it was loaded."""

    source: str
    digest: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script *name* that stands beside this module."""
        return cls.of(_text(name))

    @classmethod
    def of(cls, one: str) -> Script:
        """Return the script that does the Lua text *one* for each of its calls."""
        source = _text("loop").replace("PREFIX", str(len(MAIL)), 1).replace("-- CALL", one, 1)
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


class Call(NamedTuple):
    """
    One call of a script, with at least one key.

    *characters* is about how many its arguments have, from those who know it: counting them costs a mail more
    than making the call.
    """

    keys: tuple[str, ...]
    arguments: tuple[str | bytes | int | float, ...]
    characters: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """How many keys and arguments it has; calls of one shape fit into one command."""
        return len(self.keys), len(self.arguments)

    @property
    def size(self) -> int:
        """How many characters its arguments have, about."""
        if self.characters is not None:
            return self.characters
        return sum([len(part) for part in self.arguments if isinstance(part, _TEXTS)])


#: Where calls have nothing in common.
_NOTHING: Final = Call((), ())
_TEXTS: Final = (str, bytes)


def run_script(
    redis: Redis,
    script: Script,
    calls: Sequence[Call],
    *,
    shared: Call = _NOTHING,
    link: Caller | None = None,
) -> list[Any]:
    """
    Run *script* once for each of *calls*, in order and in one round trip; over *link* where there is one.

    Each call finds the keys and arguments of *shared* in front of its own; they are sent once.

    A server that does not know the script (it was restarted, or is new) is taught it, and the commands that
    it refused are sent again: a refused command has done nothing.

    Raises:
        redis.RedisError: Redis cannot be reached, or a script failed.
    """
    if not calls:
        return []
    send = link.call_all if link else partial(_send, redis)
    commands = [("EVALSHA", script.digest, *_arguments(shared, group)) for group in _grouped(calls)]
    answers = send(commands)
    refused = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if refused:
        _, *again = send([("SCRIPT", "LOAD", script.source), *(commands[i] for i in refused)])
        for i, answer in zip(refused, again, strict=True):
            answers[i] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return [one for answer in answers for one in answer]


def _grouped(calls: Sequence[Call]) -> list[list[Call]]:
    """Return *calls* in order, in groups that each fit into one command."""
    if len(calls) == 1 or (len(calls) == _FEW and calls[0].shape == calls[1].shape):
        return [list(calls)]
    alike = len({(len(call.keys), len(call.arguments)) for call in calls}) == 1
    if alike and len(calls) <= MOST_CALLS and sum([call.size for call in calls]) <= _MOST_CHARACTERS:
        return [list(calls)]
    groups: list[list[Call]] = []
    characters, shape = 0, None
    for call in calls:
        size, its_shape = call.size, call.shape
        characters += size
        if shape != its_shape or len(groups[-1]) >= MOST_CALLS or characters > _MOST_CHARACTERS:
            groups.append([])
            characters, shape = size, its_shape
        groups[-1].append(call)
    return groups


def _send(redis: Redis, commands: Sequence[Command]) -> list[Any]:
    pipeline: Any = redis.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    return answers


def _arguments(shared: Call, group: Sequence[Call]) -> list[Any]:
    """Return what stands behind a script's digest: the number of keys, the keys, and the arguments."""
    first = group[0]
    keys, arguments = list(shared.keys), list(shared.arguments)
    for call in group:
        keys += call.keys
        arguments += call.arguments
    counts = len(shared.keys), len(first.keys), len(shared.arguments), len(first.arguments)
    return [len(keys), *keys, *counts, *arguments]
