"""The journal's Lua scripts: each transition is one of them, so that it happens wholly or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the digest under which Redis knows it once it was loaded."""

    source: str
    digest: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script *name* that stands beside this module."""
        source = resources.files("tasks.journal").joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script."""

    keys: tuple[str, ...]
    arguments: tuple[str | bytes | int | float, ...]


def run_script(redis: Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    """
    Run *script* once for each of *calls*, in order and in one round trip.

    A server that does not know the script (it was restarted, or is new) is taught it, and the calls that it
    refused are made again: a refused call has done nothing.

    Raises:
        redis.RedisError: Redis cannot be reached, or a script failed.
    """
    answers = _send(redis, script, calls)
    refused = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if refused:
        redis.script_load(script.source)
        for i, answer in zip(refused, _send(redis, script, (calls[i] for i in refused)), strict=True):
            answers[i] = answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _send(redis: Redis, script: Script, calls: Iterable[Call]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for call in calls:
        pipeline.evalsha(script.digest, len(call.keys), *call.keys, *call.arguments)
    return pipeline.execute(raise_on_error=False)
