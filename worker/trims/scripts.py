"""The Lua scripts of the trims."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, known to Redis by its digest once it was run there."""

    source: str
    digest: str

    @classmethod
    def named(cls, name: str) -> Script:
        """Read the script *name* that stands beside this module."""
        source = resources.files("worker.trims").joinpath(f"{name}.lua").read_text(encoding="utf-8")
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())

    def run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[str | int | float]) -> Any:
        """
        Run it on *redis*.

        Raises:
            redis.RedisError: Redis cannot be reached, or the script failed.
        """
        try:
            return redis.evalsha(self.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return redis.eval(self.source, len(keys), *keys, *arguments)


FETCH: Final = Script.named("fetch")
GIVE_BACK: Final = Script.named("give_back")
ACKNOWLEDGE: Final = Script.named("acknowledge")
