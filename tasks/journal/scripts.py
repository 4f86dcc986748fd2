"""The journal's Lua scripts: each transition is one of them, so that it happens wholly or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from tasks.journal.link import Caller

#: Makes a script that does one call into one that does many: a command of its own for each mail of a run
#: costs both sides half as much again. ARGV begins with how many keys and how many arguments each call has;
#: `now` is the moment by the server's clock, in milliseconds. What is put into `opened` (moment, mail id) and
#: `closed` (mail id) is written into the set of open mails at the end, in one command each; `seen` is a table
#: that the calls have in common. A call that fails is the last one, and costs those before it nothing.
_LOOP: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opened, closed, seen, failure = {}, {}, {}, nil
local function each(KEYS, ARGV)
%s
end
local answers, keys, arguments = {}, tonumber(ARGV[1]), tonumber(ARGV[2])
for call = 1, #KEYS / keys do
  local k, a = {}, {}
  for i = 1, keys do k[i] = KEYS[(call - 1) * keys + i] end
  for i = 1, arguments do a[i] = ARGV[2 + (call - 1) * arguments + i] end
  local is_done, answer = pcall(each, k, a)
  if not is_done then
    failure = type(answer) == 'table' and answer or redis.error_reply(tostring(answer))
    break
  end
  answers[call] = answer
end
if #closed > 0 then redis.call('ZREM', KEYS[2], unpack(closed)) end
if #opened > 0 then redis.call('ZADD', KEYS[2], unpack(opened)) end
return failure or answers
"""

#: Redis does nothing else while a script runs, and holds all its arguments at once: so many calls go into one
#: command, and so many characters.
MOST_CALLS: Final = 100
_MOST_CHARACTERS: Final = 1024 * 1024
#: Calls that go together however large they are: the mark of one mail and the result of the one before.
_FEW: Final = 2


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the digest under which Redis knows it once it was loaded."""

    source: str
    digest: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script *name* that stands beside this module."""
        return cls.of(resources.files("tasks.journal").joinpath(f"{name}.lua").read_text(encoding="utf-8"))

    @classmethod
    def of(cls, one: str) -> Script:
        """Return the script that does the Lua text *one* for each of its calls."""
        source = _LOOP % one
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script, with at least one key."""

    keys: tuple[str, ...]
    arguments: tuple[str | bytes | int | float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """How many keys and arguments it has; calls of one shape fit into one command."""
        return len(self.keys), len(self.arguments)

    @property
    def size(self) -> int:
        """How many characters its arguments have, about."""
        return sum(len(part) for part in self.arguments if isinstance(part, str | bytes))


def run_script(
    redis: Redis, script: Script, calls: Sequence[Call], *, link: Caller | None = None
) -> list[Any]:
    """
    Run *script* once for each of *calls*, in order and in one round trip; over *link* where there is one.

    A server that does not know the script (it was restarted, or is new) is taught it, and the commands that
    it refused are sent again: a refused command has done nothing.

    Raises:
        redis.RedisError: Redis cannot be reached, or a script failed.
    """
    groups = _grouped(calls)
    if link:
        answers = link.call_all([("EVALSHA", script.digest, *_arguments(group)) for group in groups])
    else:
        answers = _send(redis, script, groups)
    refused = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if refused:
        redis.script_load(script.source)
        for i, answer in zip(refused, _send(redis, script, [groups[i] for i in refused]), strict=True):
            answers[i] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return [one for answer in answers for one in answer]


def _grouped(calls: Sequence[Call]) -> list[list[Call]]:
    """Return *calls* in order, in groups that each fit into one command."""
    if len(calls) == 1 or (len(calls) == _FEW and calls[0].shape == calls[1].shape):
        return [list(calls)]
    groups: list[list[Call]] = []
    characters = 0
    for call in calls:
        characters += call.size
        is_full = not groups or len(groups[-1]) >= MOST_CALLS or characters > _MOST_CHARACTERS
        if is_full or groups[-1][0].shape != call.shape:
            groups.append([])
            characters = call.size
        groups[-1].append(call)
    return groups


def _send(redis: Redis, script: Script, groups: Sequence[Sequence[Call]]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for group in groups:
        pipeline.evalsha(script.digest, *_arguments(group))
    return pipeline.execute(raise_on_error=False)


def _arguments(group: Sequence[Call]) -> list[Any]:
    """Return what stands behind a script's digest: the number of keys, the keys, and the arguments."""
    keys = [key for call in group for key in call.keys]
    arguments = [argument for call in group for argument in call.arguments]
    return [len(keys), *keys, *group[0].shape, *arguments]
