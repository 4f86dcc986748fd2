"""What the outbox prepares, which needs no server."""

from __future__ import annotations

import uuid

from producers.outbox import Outbox
from tasks.contract.names import Lane
from tasks.contract.validation import parse

MAIL = {"to": "ann@example.org", "subject": "s", "body": "b"}


def test_ids_are_random_uuids_of_the_usual_kind() -> None:
    outbox = Outbox("redis://127.0.0.1:1/0", journal_url=None)

    ids = [entry.mail_id for entry in outbox.prepare([parse(MAIL)] * 500, lane=Lane.BULK)]

    assert len(set(ids)) == 500
    assert {uuid.UUID(mail_id).version for mail_id in ids} == {4}
    assert {uuid.UUID(mail_id).variant for mail_id in ids} == {uuid.RFC_4122}
    assert [str(uuid.UUID(mail_id)) for mail_id in ids] == ids
