"""Where a mail stands, whichever way it was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from producers.integrations.failures import Refused
    from producers.integrations.mails import Letter

_WAITING: Final = frozenset({"queued", "sending", "retrying"})


@dataclass(frozen=True, slots=True)
class Status:
    """
    Where a mail stands.

    *state* is `queued`, `sending` or `retrying`, then for good `sent`, `partial`, `not_sent`, `unknown`,
    `expired` or `cancelled`. *success* is None until then; *code* and *message* are the result's, or the last
    attempt's. *result* has all outputs once there is a result.
    """

    mail_id: str
    state: str
    success: bool | None = None
    code: int | None = None
    message: str | None = None
    result: Mapping[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in _WAITING


class Way(Protocol):
    """A way from here to Postroom."""

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        """Yield the id of each letter, in order, or why it was refused."""

    def look_up(self, mail_id: str, *, wait: float) -> Status:
        """Return where a mail stands, after at most *wait* seconds if that is not final yet."""

    def close(self) -> None:
        """Close the connections."""
