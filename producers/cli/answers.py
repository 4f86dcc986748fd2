"""What became of one mail that a command was asked to hand in or to look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from producers.cli.exit_codes import ExitCode, exit_code_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from producers.cli.troubles import Trouble
    from tasks.contract.status import MailStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Where a mail stands, or why that cannot be said.

    *status* None without a *trouble* means that the mail was accepted and nobody looked since. *line* is
    the number of the message in its input, from 1, where it came from one.
    """

    mail_id: str | None = None
    status: MailStatus | None = None
    trouble: Trouble | None = None
    line: int | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that has this answer only."""
        if self.trouble:
            return self.trouble.exit_code
        return exit_code_of(self.status) if self.status else ExitCode.OK

    def as_json(self) -> dict[str, JsonValue]:
        """Return the answer as an object: a status, or an "error"."""
        if self.status:
            found: dict[str, JsonValue] = self.status.model_dump(mode="json")
            return found
        head: dict[str, JsonValue] = {"mail_id": self.mail_id} if self.mail_id else {}
        if self.trouble:
            return {**head, "error": self.trouble.as_json()}
        return {**head, "state": "queued"}

    @property
    def _shown_id(self) -> str:
        """The id as it may stand on a terminal: whatever was typed as one must not steer it."""
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in self.mail_id or "")

    @property
    def _about(self) -> str:
        if self.mail_id:
            return f"{self._shown_id}  "
        return f"message {self.line}: " if self.line else ""

    def lines(self) -> Iterator[str]:
        """Yield what people are told: the id and the state, then what there is to say."""
        if self.trouble:
            yield from (self._about + line for line in self.trouble.lines())
        elif self.status is None:
            yield f"{self._shown_id}  queued"
        else:
            code = f"  {self.status.code}" if self.status.code is not None else ""
            yield f"{self._shown_id}  {self.status.state}{code}"
            if self.status.message:
                yield f"    {self.status.message}"
