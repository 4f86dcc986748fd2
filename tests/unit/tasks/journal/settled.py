"""A mail for two, as it stands before a caller intervenes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tasks.contract.result import Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.contract.validation import parse
from tasks.journal.entries import Entry
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from tasks.journal.journal import Journal

REQUEST = parse({"to": ["ann@x.org", "bob@x.org"], "subject": "s", "body": "b", "metadata": {"order": "7"}})
ENTRY = Entry.of("m", "bulk", REQUEST)
ACCEPTED, OPEN = ["accepted", 250, "ok", None], ["open", 451, "later", None]
REFUSED, SUSPECT = ["refused", 550, "no", None], ["suspect", 690, "", None]
ATTEMPT = '[{"at":"2026-01-01T00:00:00Z","code":451,"message":"later"}]'
S = RecipientState


def accept_and_begin(journal: Journal, entry: Entry = ENTRY) -> Claim:
    journal.accept([entry])
    [claim] = journal.begin([entry.mail_id])
    assert isinstance(claim, Claim)
    return claim


def wait_for_retry(journal: Journal, *progress: list[object]) -> None:
    claim = accept_and_begin(journal)
    journal.postpone(claim, wait=60.0, history=ATTEMPT, progress=json.dumps(progress))


def settle(journal: Journal, state: MailState, *states: RecipientState) -> None:
    outcomes = tuple(RecipientOutcome(address="*", state=s, code=1, message="said") for s in states)
    result = SendEmailResult(
        success=state is MailState.SENT,
        code=1,
        message="",
        delivery=Delivery.NOT_SENT,
        retryable=False,
        source="local",
        recipients=outcomes,
    )
    journal.finish([Settlement.of(accept_and_begin(journal), state, result)])
