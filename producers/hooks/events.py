"""What is told: an event about a mail that ended, or one that says only that somebody is trying it out."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from producers.web.answers import Email
from tasks.contract.status import MailState
from tasks.journal.records import Record, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from producers.web.webhook import Webhook

#: What the ids of trials begin with; those of mails' ends have another beginning.
TRIAL: Final = "test_"
TRIAL_TYPE: Final = "webhook.test"
_END: Final = "evt_"


class Unreadable(ValueError):
    """An entry of the stream that tells no mail's end."""


@dataclass(frozen=True, slots=True)
class Event:
    """
    An event for the key *key_id*; *entry* is its place in the stream of mails that ended, if it has one.

    Its id is made of the mail's and of the fence under which the mail ended: the same however often it is
    read, and another one when a mail that was sent again ends again.
    """

    delivery_id: str
    key_id: str
    type: str
    body: bytes = field(repr=False)
    mail_id: str = ""
    entry: str = ""

    @classmethod
    def of(cls, entry: str, fields: Mapping[bytes, bytes]) -> Event:
        """
        Return the event of an entry of the stream.

        Raises:
            Unreadable: it tells no mail's end.
        """
        try:
            mail_id, key_id, fence = (fields[name].decode() for name in (b"mail", b"notify", b"fence"))
            record = Record.read(mail_id, fields)
            email = Email.of(record) if record and record.state.is_terminal else None
        except (KeyError, ValueError) as error:
            raise Unreadable(type(error).__name__) from None
        if email is None:
            raise Unreadable("it has not ended")
        at = moment(int(entry.partition("-")[0]))
        kind = f"email.{email.state}"
        body = _body(kind, at, email.model_dump_json(by_alias=True))
        return cls(f"{_END}{mail_id}_{fence}", key_id, kind, body, mail_id, entry)

    @classmethod
    def trial(cls, key_id: str) -> Event:
        """Return an event for *key_id* that is about no mail."""
        body = _body(TRIAL_TYPE, datetime.now(UTC), "{}")
        return cls(f"{TRIAL}{uuid.uuid4()}", key_id, TRIAL_TYPE, body)

    def is_wanted_by(self, webhook: Webhook) -> bool:
        """Whether it is of a state that *webhook* is told."""
        return any(self.type == f"email.{state}" for state in webhook.states)


#: All types of events.
TYPES: Final = (*(f"email.{state}" for state in MailState if state.is_terminal), TRIAL_TYPE)


def _body(kind: str, at: datetime, data: str) -> bytes:
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'{{"type":{json.dumps(kind)},"timestamp":"{text}","data":{data}}}'.encode()
