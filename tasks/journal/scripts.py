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

#: Makes a script that does one call into one that does many: a command of its own for each mail of a run
#: costs both sides half as much again. KEYS and ARGV begin with what the calls have in common, which each of
#: them finds in front of its own; before that, ARGV says how many of either there are.
#: `now` is the moment by the server's clock, in milliseconds; `text` writes such a moment down, and `number` reads
#: what Redis or an argument has (a text or false). What is put into `opened` (moment, mail id) and `closed` (mail id) is written into the set of open mails, the first
#: of the common keys, and what is put into `pushed` (by queue) into the queues, at the end and in one command
#: each; `seen` is a table for all calls. A call that fails is the last one; those before it are done.
_LOOP: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local opened, closed, pushed, seen, failure = {}, {}, {}, {}, nil
-- Left to itself Redis prints a number as floating point wherever it becomes an argument; and most moments
-- of a command are the same.
local texts = {}
local function text(moment)
  local known = texts[moment] or string.format('%%d', moment)
  texts[moment] = known
  return known
end
-- The other way round: reading a moment takes longer than finding the one that was read before.
local numbers = {}
local function number(text)
  local known = text and (numbers[text] or tonumber(text))
  if known then numbers[text] = known end
  return known
end
-- The id of a mail, by its key: sent once more, it would cost both sides more than to take it from there.
local function id_of(key)
  return string.sub(key, %d)
end
local function each(KEYS, ARGV)
%s
end
local same_keys, keys = tonumber(ARGV[1]), tonumber(ARGV[2])
local same, arguments = tonumber(ARGV[3]), tonumber(ARGV[4])
-- The same two tables for all calls, made in their size: making them costs more than filling them.
local k = { unpack(KEYS, 1, math.min(same_keys + keys, 100)) }
local a = { unpack(ARGV, 5, 4 + math.min(same + arguments, 100)) }
local answers = {}
for call = 1, (#KEYS - same_keys) / keys do
  local key, argument = (call - 1) * keys, 4 + (call - 1) * arguments
  for i = same_keys + 1, same_keys + keys do k[i] = KEYS[key + i] end
  for i = same + 1, same + arguments do a[i] = ARGV[argument + i] end
  local is_done, answer = pcall(each, k, a)
  if not is_done then
    failure = type(answer) == 'table' and answer or redis.error_reply(tostring(answer))
    break
  end
  answers[call] = answer
end
if #closed > 0 then redis.call('ZREM', KEYS[1], unpack(closed)) end
if #opened > 0 then redis.call('ZADD', KEYS[1], unpack(opened)) end
-- Whatever is wrong with a queue, its mails are accepted; the sweeper publishes them later.
for queue, messages in pairs(pushed) do redis.pcall('LPUSH', queue, unpack(messages)) end
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
        source = _LOOP % (len(MAIL) + 1, one)
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
