"""Changing a mail's course from outside: cancelling it while it waits, sending it once more."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse
from tasks.journal.cancellation import cancel
from tasks.journal.damage import is_damage
from tasks.journal.journal import JournalOptions
from tasks.journal.keys import MAIL, OPEN
from tasks.journal.records import moment
from tasks.journal.scripts import Call, Script, run_script
from tasks.journal.sealing import SEALED, Unsealable, is_sealed
from tasks.journal.snapshots import Snapshot
from tasks.journal.standings import Standing, read_standings
from tasks.journal.sweeper import Stray

if TYPE_CHECKING:
    from datetime import datetime

    from redis import Redis

    from tasks.contract.parameters import SendEmail
    from tasks.journal.entries import Entry
    from tasks.journal.sealing import Seal

_CANCEL: Final = Script.named("cancel")
_RESEND: Final = Script.named("resend")


class Resend(StrEnum):
    """What became of the wish to send a mail once more."""

    QUEUED = "queued"
    MISSING = "missing"
    ON_ITS_WAY = "on its way"
    SENT = "sent"
    DIFFERENT = "different"
    DOUBTFUL = "doubtful"


class Control:
    """
    Cancels mails and opens them again.

    Both read the record, decide, and let a script change it only if it is still as it was read; otherwise
    they begin anew. Both raise `redis.RedisError` when Redis cannot be reached.
    """

    def __init__(
        self, redis: Redis, *, options: JournalOptions | None = None, seal: Seal | None = None
    ) -> None:
        self._redis = redis
        self._options = options or JournalOptions()
        self._seal = seal

    def cancel(self, mail_id: str) -> Stray | None:
        """
        Give *mail_id* its result at once if it waits; leave it alone in any other state.

        Where no message stands for it, as after a cancelled wait, one is returned: published, it has a worker
        write the result for those who ask Celery.
        """
        while True:
            mail, now = self._read(mail_id)
            if mail is None or not mail.waits:
                return None
            state, result = cancel(mail, _request(mail_id, mail.payload, self._seal), at=now)
            retention = _milliseconds(self._options.retention)
            arguments = (mail_id, mail.fence, state, result.model_dump_json(), retention)
            if self._run(_CANCEL, Call((MAIL + mail_id, OPEN), arguments)):
                return None if mail.has_message else Stray(mail_id, mail.lane, mail.payload)

    def resend(self, entry: Entry, *, recipients: int, force: bool = False) -> tuple[Resend, str]:
        """
        Open the settled mail of *entry* again for all of its *recipients* that have no copy.

        *entry* has its parameters once more, since they were deleted with its result; they must have the
        fingerprint of the first time. *force* accepts that somebody may get a second copy. The answer is
        what became of it, and the lane in which it waits.
        """
        while True:
            mail, _ = self._read(entry.mail_id)
            if mail is None:
                return Resend.MISSING, ""
            progress = mail.progress_again(recipients)
            hindrance = _hindrance(mail, entry, progress, force=force)
            if hindrance:
                return hindrance, mail.lane
            patience = _milliseconds(self._options.patience)
            keys = (MAIL + entry.mail_id, OPEN, *([mail.key] if mail.key else []))
            arguments = (entry.mail_id, mail.fence, mail.stored_state, entry.payload, progress, patience)
            if self._run(_RESEND, Call(keys, arguments)):
                return Resend.QUEUED, mail.lane

    def _read(self, mail_id: str) -> tuple[Snapshot | None, datetime]:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(MAIL + mail_id)
        pipeline.time()
        stored, time = pipeline.execute(raise_on_error=False)
        stored = {} if is_damage(stored) else stored
        for answer in (stored, time):
            if isinstance(answer, Exception):
                raise answer
        seconds, microseconds = time
        return Snapshot.read(stored), moment(seconds * 1000 + microseconds // 1000)

    def _run(self, script: Script, call: Call) -> bool:
        [answer] = run_script(self._redis, script, [call])
        return bool(answer)


def _hindrance(mail: Snapshot, entry: Entry, progress: str, *, force: bool) -> Resend | None:
    if not mail.is_settled:
        return Resend.ON_ITS_WAY
    if mail.is_sent:
        return Resend.SENT
    if not entry.has_fingerprint(mail.fingerprint):
        return Resend.DIFFERENT
    is_doubtful = any(standing is Standing.SUSPECT for standing, _ in read_standings(progress))
    return Resend.DOUBTFUL if is_doubtful and not force else None


def _request(mail_id: str, payload: str, seal: Seal | None) -> SendEmail | None:
    """Return the parameters of a mail, or None where they are not valid or cannot be read here."""
    try:
        parameters: Any = json.loads(payload)
        if seal and is_sealed(parameters):
            parameters = seal.open(mail_id, parameters[SEALED])
        return parse(parameters)
    except (InvalidInput, Unsealable, ValueError, RecursionError):
        return None


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
