"""What is known of each recipient of a mail, over all its transactions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.delivery.redaction import redact
from tasks.failures import Reply
from tasks.journal.standings import Standing
from tasks.smtp.replies import is_temporary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tasks.failures import Receipt


_NOTHING_YET: Final = Reply(0, "")
_NO_ANSWER: Final = Reply(LocalCode.UNKNOWN, "")
_SUSPECTS_NEXT: Final = {Standing.OPEN: Standing.SUSPECT, Standing.REFUSED: Standing.DOUBTFUL}


@dataclass(slots=True)
class Progress:
    """
    The standing of each recipient, with the last reply that it got.

    A recipient that was accepted or refused for good stays so; only open ones are tried again, so nobody
    gets a second copy because of somebody else's refusal (contract, section 4).
    """

    recipients: tuple[str, ...]
    standings: dict[str, Standing] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)

    @property
    def open(self) -> tuple[str, ...]:
        """The recipients that are still to be tried, in input order."""
        if not self.standings:
            return self.recipients
        return self.having(Standing.OPEN, Standing.SUSPECT)

    @property
    def each(self) -> list[Standing]:
        """Where each recipient stands, in input order."""
        return [self.standings.get(recipient, Standing.OPEN) for recipient in self.recipients]

    def having(self, *standings: Standing) -> tuple[str, ...]:
        """Return the recipients of these *standings*, in input order."""
        return tuple([r for r in self.recipients if self.standings.get(r, Standing.OPEN) in standings])

    def standing_of(self, recipient: str) -> Standing:
        """Return where *recipient* stands."""
        return self.standings.get(recipient, Standing.OPEN)

    def reply_to(self, recipient: str) -> Reply:
        """Return the last reply that *recipient* got."""
        return self.replies.get(recipient, _NOTHING_YET)

    def take(self, receipt: Receipt, tried: Iterable[str]) -> None:
        """Note an accepted transaction with the recipients *tried*."""
        for recipient in tried:
            refusal = receipt.refused.get(recipient)
            if refusal is None:
                self._set(recipient, Standing.ACCEPTED, receipt.reply)
            else:
                self._refuse(recipient, refusal)

    def refuse(self, replies: Mapping[str, Reply]) -> None:
        """Note the replies of a transaction in which nothing was sent."""
        for recipient, reply in replies.items():
            self._refuse(recipient, reply)

    def doubt(self, tried: Iterable[str], reply: Reply) -> None:
        """Note a transaction whose dot got no answer."""
        for recipient in tried:
            self._set(recipient, Standing.DOUBTFUL, reply)

    def doubt_all(self) -> None:
        """Note that a dot was sent, or may have been, for all that were to be tried, and got no answer."""
        self.doubt(self.open, _NO_ANSWER)

    def reopen(self) -> None:
        """Try the doubtful ones again (on_unknown)."""
        for recipient in self.having(Standing.DOUBTFUL):
            self.standings[recipient] = Standing.SUSPECT

    def _refuse(self, recipient: str, reply: Reply) -> None:
        self._set(recipient, Standing.OPEN if is_temporary(reply) else Standing.REFUSED, reply)

    def _set(self, recipient: str, standing: Standing, reply: Reply) -> None:
        if self.standing_of(recipient) is Standing.SUSPECT:
            # A refusal now does not undo a copy that may have arrived before.
            standing = _SUSPECTS_NEXT.get(standing, standing)
        self.standings[recipient] = standing
        self.replies[recipient] = reply

    def encode(self, *, body: str = "") -> str:
        """
        Return the standings as JSON text for the journal: positions instead of addresses.

        Replies are kept as a result would show them, since servers quote addresses and links of the *body*.
        """
        return json.dumps(
            [
                [self.standing_of(recipient), *reply._replace(text=redact(reply.text, body=body))]
                for recipient in self.recipients
                for reply in [self.reply_to(recipient)]
            ]
        )

    def covered(self, *, body: str = "") -> str:
        """
        Return the standings as they are until a dot that is about to be sent has its answer.

        Those that are tried are in doubt till then. Of a mail that is tried for the first time nothing is
        noted: whoever finds its dot unanswered knows as much (`doubt_all`).
        """
        if not self.standings:
            return ""
        covered = Progress(self.recipients, dict(self.standings), dict(self.replies))
        covered.doubt_all()
        return covered.encode(body=body)

    @classmethod
    def decode(cls, recipients: tuple[str, ...], stored: str) -> Progress:
        """Read what `encode` wrote for the same *recipients*; nothing stored means all are open."""
        progress = cls(recipients)
        if stored:
            for recipient, (standing, *reply) in zip(recipients, json.loads(stored), strict=False):
                progress._set(recipient, Standing(standing), Reply(*reply))
        return progress
