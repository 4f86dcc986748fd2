"""Emails with a past: handed in over HTTP, and then told by the journal what became of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from mailbox import Maildir
from typing import TYPE_CHECKING, Any

import redis

from tasks.contract.codes import Phase
from tasks.contract.result import Attempt, Delivery, RecipientOutcome, RecipientState, SendEmailResult
from tasks.contract.status import MailState
from tasks.journal.journal import Journal
from tasks.journal.keys import MAIL
from tasks.journal.records import Claim
from tasks.journal.settlement import Settlement

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

GREYLISTED = "4.7.1 Greylisted, please try again in a minute"


class Teller:
    """Tells the journal at *url* how emails went that *client* hands in, as if *age* seconds ago."""

    def __init__(self, client: httpx.Client, url: str, *, age: float = 0.0) -> None:
        self.age = age
        self._client = client
        self._url = url

    def hand_in(self, reference: str = "", **fields: Any) -> str:
        """Hand an email in and return its id."""
        mail: dict[str, Any] = {"to": "ann@example.org", "subject": "Your order", "body": "It is on its way."}
        mail |= fields
        if reference:
            mail["metadata"] = {"reference": reference}
        mail_id = str(self._client.post("/v1/emails", json=mail).raise_for_status().json()["id"])
        with redis.Redis.from_url(self._url) as client:
            client.hincrby(MAIL + mail_id, "accepted", -round(self.age * 1000))
        return mail_id

    def sent(self, reference: str = "") -> str:
        """Hand an email in that was sent at the second attempt."""
        mail_id = self.hand_in(reference)
        attempts = (_attempt(451, GREYLISTED, 60), _attempt(250, "2.0.0 Ok: queued as 4bQx1z3kYp", 2))
        self._finish(
            mail_id,
            MailState.SENT,
            _result(
                Delivery.SENT,
                250,
                "2.0.0 Ok: queued as 4bQx1z3kYp (phase final, 2 attempts)",
                attempts=attempts,
                recipients=(_recipient("a***@example.org", RecipientState.SENT, 250, "2.0.0 Ok"),),
                metadata={"reference": reference} if reference else {},
            ),
        )
        return mail_id

    def partial(self, reference: str = "") -> str:
        """Hand an email in that one of three recipients did not get."""
        mail_id = self.hand_in(reference, to="ann@example.org; bob@example.net", cc="nobody@example.org")
        no_such = "5.1.1 <n***@example.org>: no such user here"
        recipients = (
            _recipient("a***@example.org", RecipientState.SENT, 250, "2.1.5 Ok"),
            _recipient("b***@example.net", RecipientState.SENT, 250, "2.1.5 Ok"),
            _recipient("n***@example.org", RecipientState.REFUSED, 550, no_such),
        )
        self._finish(
            mail_id,
            MailState.PARTIAL,
            _result(
                Delivery.PARTIAL,
                550,
                f"{no_such} (phase rcpt, 1 attempt); 2 of 3 recipients have it.",
                attempts=(_attempt(550, no_such, 1),),
                recipients=recipients,
                metadata={"reference": reference} if reference else {},
            ),
        )
        return mail_id

    def settled(self, state: MailState, code: int, message: str, reference: str = "") -> str:
        """Hand an email in that ended in *state* at the first attempt."""
        mail_id = self.hand_in(reference)
        delivery = Delivery(state) if state in set(Delivery) else Delivery.NOT_SENT
        standing = RecipientState.UNKNOWN if state is MailState.UNKNOWN else RecipientState.REFUSED
        self._finish(
            mail_id,
            state,
            _result(
                delivery,
                code,
                message,
                attempts=(_attempt(code, message, 1),),
                recipients=(_recipient("a***@example.org", standing, code, message),),
                metadata={"reference": reference} if reference else {},
            ),
        )
        return mail_id

    def retrying(self, reference: str = "", *, attempts: int = 2) -> str:
        """Hand an email in that the server has put off."""
        mail_id = self.hand_in(reference)
        history = [
            _attempt(451, GREYLISTED, 30.0 * number - 5).model_dump(mode="json")
            for number in range(attempts, 0, -1)
        ]
        with redis.Redis.from_url(self._url) as client:
            journal = Journal(client)
            journal.postpone(_claim(journal, mail_id), wait=45.0, history=json.dumps(history), progress="[]")
        return mail_id

    def sending(self) -> str:
        """Hand an email in that a worker has in hand."""
        mail_id = self.hand_in()
        with redis.Redis.from_url(self._url) as client:
            _claim(Journal(client), mail_id)
        return mail_id

    def _finish(self, mail_id: str, state: MailState, result: SendEmailResult) -> None:
        with redis.Redis.from_url(self._url) as client:
            journal = Journal(client)
            journal.finish([Settlement.of(_claim(journal, mail_id), state, result)])


def newsletter(image_host: str = "http://images.example.com") -> EmailMessage:
    """Return an email with everything that an inbox must show or keep from showing."""
    mail = EmailMessage()
    mail["From"] = "Accounts of Example <accounts@example.org>"
    mail["To"] = "Ann Example <ann@example.org>"
    mail["Subject"] = "Reset your password: 30 minutes left"
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = "<6b1f@example.org>"
    mail["X-RcptTo"] = "ann@example.org"
    mail["X-MailFrom"] = "accounts@example.org"
    link = "https://accounts.example.org/reset?token=4f6c"
    mail.set_content(f"Hello Ann,\n\nto choose a new password open\n{link}\n\nIt works for 30 minutes.\n")
    mail.add_alternative(_HTML.format(link=link, host=image_host), subtype="html")
    mail.add_attachment(b"%PDF-1.4 terms", maintype="application", subtype="pdf", filename="terms.pdf")
    return mail


def catch(folder: Path, content: bytes | EmailMessage) -> str:
    """Put a mail into a Maildir as a catcher does, and return its file's name."""
    box = Maildir(folder, create=True)
    key = box.add(content if isinstance(content, bytes) else content.as_bytes(policy=SMTP))
    return str(key)


_HTML = """\
<!doctype html><html><body style="margin:0;background:#eef1f5;font-family:sans-serif">
<div style="max-width:520px;margin:24px auto;padding:28px;background:#fff;border-radius:8px;color:#1b2430">
<h1 style="font-size:20px">Hello Ann,</h1>
<p>somebody asked for a new password for your account at Example.</p>
<p><a href="{link}" style="display:inline-block;padding:12px 20px;background:#2456a6;color:#fff;\
border-radius:6px;text-decoration:none">Choose a new password</a></p>
<p>The link works for 30 minutes, and once. If it was not you, nothing has changed.</p>
<img src="{host}/seen.gif" alt="" width="1" height="1"></div></body></html>
"""


def _attempt(code: int, message: str, ago: float) -> Attempt:
    return Attempt(at=datetime.now(UTC) - timedelta(seconds=ago), code=code, message=message)


def _recipient(address: str, state: RecipientState, code: int, message: str) -> RecipientOutcome:
    return RecipientOutcome(address=address, state=state, code=code, message=message)


def _result(delivery: Delivery, code: int, message: str, **more: Any) -> SendEmailResult:
    return SendEmailResult(
        success=delivery is Delivery.SENT,
        code=code,
        message=message,
        delivery=delivery,
        retryable=400 <= code < 500,
        source="server" if code < 600 else "local",
        enhanced_status=message.partition(" ")[0] if message[:1].isdigit() else None,
        phase=Phase.FINAL if delivery is Delivery.SENT else Phase.RCPT,
        message_id="<176418041.8fcceefc@example.org>",
        finished_at=datetime.now(UTC),
        **more,
    )


def _claim(journal: Journal, mail_id: str) -> Claim:
    [claim] = journal.begin([mail_id])
    assert isinstance(claim, Claim)
    return claim
