"""
What a server answers, and the ways in which a delivery ends without acceptance.

```
Failure
├── TransientFailure   nothing was sent; the same may succeed later
├── PermanentFailure   nothing was sent; the same will fail again
│   └── Expired        its last moment had passed before it could be sent
└── Unconfirmed        the final dot was sent and no answer came
```
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.contract.codes import Phase

_FIRST_LOCAL_CODE = 600


class Reply(NamedTuple):
    """
    A server's reply (RFC 5321, section 4.2), or a local verdict in its place.

    *code* is the reply code or a `LocalCode`; *text* has its lines joined by a space and neither control
    characters nor the enhanced status, which stands apart ("5.1.1", RFC 2034 and RFC 3463).
    """

    code: int
    text: str
    enhanced_status: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether no server gave this."""
        return self.code >= _FIRST_LOCAL_CODE


class Failure(Exception):
    """
    A delivery, or one attempt at it, that did not end in acceptance.

    *reply* decided it, in *phase*; *recipients* holds the replies that single recipients got; *retry_after*
    is the pause in seconds that the server asked for; *hint* is one sentence that tells the reader what to
    do. Neither may hold a secret or a full address.
    """

    def __init__(
        self,
        reply: Reply,
        phase: Phase | None = None,
        *,
        recipients: Mapping[str, Reply] | None = None,
        retry_after: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reply, phase)
        self.reply = reply
        self.phase = phase
        self.recipients: dict[str, Reply] = dict(recipients or {})
        self.retry_after = retry_after
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reply.code} {self.reply.text}" + (f" ({self.phase})" if self.phase else "")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.args, self.__dict__.copy()


class TransientFailure(Failure):
    """Nothing was sent, and the same may succeed later."""


class NotBegun(TransientFailure):
    """An attempt that was not begun, since too little of the time budget was left for it."""


class PermanentFailure(Failure):
    """Nothing was sent, and the same will fail again."""


class Expired(PermanentFailure):
    """The moment after which the mail must not be sent had passed."""


class Unconfirmed(Failure):
    """The final dot was sent and no definite answer came; the mail may have been delivered (RFC 1047)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    The server's acceptance of a mail: a 2yz reply to the final dot.

    *refused* holds the recipients that it refused before, by their address on the wire.
    """

    reply: Reply
    refused: Mapping[str, Reply] = field(default_factory=dict)


#: What comes back for each mail of a run.
Answer: TypeAlias = Receipt | Failure
