"""A mail's record as it was at one moment, for those who change its course from outside."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.contract.names import Lane
from tasks.contract.result import Attempt, RecipientOutcome, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.damage import UNREADABLE
from tasks.journal.records import moment
from tasks.journal.standings import Standing, progress_again, progress_in_doubt, read_standings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    What the journal held about a mail; *fence* and *stored_state* tell whether it still does.

    *payload* is the JSON text of the parameters, empty once the mail has its result. *has_message* says that
    a message in the queue stands for it, as far as the journal knows. *standings* are standing and last reply
    code of each recipient; there are none where nothing was tried yet.
    """

    stored_state: str
    fence: int
    lane: str
    accepted_at: datetime
    payload: str = field(repr=False)
    fingerprint: str
    key: str
    attempts: tuple[Attempt, ...]
    standings: tuple[tuple[Standing, int], ...]
    has_message: bool
    result: SendEmailResult | None

    @classmethod
    def read(cls, stored: Mapping[bytes, bytes]) -> Snapshot | None:
        """Read a record from its hash; None where there is none that can be read."""
        try:
            return cls._read(stored)
        except UNREADABLE:
            return None

    @classmethod
    def _read(cls, stored: Mapping[bytes, bytes]) -> Snapshot:
        text = {name.decode(): value.decode() for name, value in stored.items()}
        result = text.get("result")
        return cls(
            stored_state=text["state"],
            fence=int(text["fence"]),
            lane=Lane(text["lane"]),
            accepted_at=moment(int(text["accepted"])),
            payload=text.get("payload", ""),
            fingerprint=text.get("fingerprint", ""),
            key=text.get("key", ""),
            attempts=tuple(Attempt.model_validate(each) for each in json.loads(text.get("history") or "[]")),
            standings=tuple(read_standings(text.get("progress", ""))),
            has_message=int(text["published"]) >= int(text["due"]),
            result=SendEmailResult.model_validate_json(result) if result else None,
        )

    @property
    def waits(self) -> bool:
        """Whether no worker has it, and none is through with it."""
        return self.stored_state == "queued"

    @property
    def is_settled(self) -> bool:
        """Whether it has its result."""
        return self.stored_state not in {"queued", "sending", "data"}

    @property
    def is_sent(self) -> bool:
        """Whether everybody has a copy."""
        return self.stored_state == MailState.SENT

    def progress_again(self, recipients: int) -> str:
        """Return the progress with which it is sent once more; *recipients* is how many it has."""
        outcomes: tuple[RecipientOutcome, ...] = self.result.recipients if self.result else ()
        if len(outcomes) == recipients:
            return progress_again(outcomes)
        is_clear = self.stored_state not in {MailState.PARTIAL, MailState.UNKNOWN}
        return "" if is_clear else progress_in_doubt(recipients)
