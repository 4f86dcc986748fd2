"""Where resets are asked for and looked up, made of lists: what a batch needs of `Resets`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tasks.contract.password_reset import PasswordReset


@dataclass
class Known:
    """What a desk knows of a mail."""

    state: MailState
    result: SendEmailResult | None


def known(code: int) -> Known:
    is_sent = code == 250
    result = SendEmailResult(
        success=is_sent,
        code=code,
        message="said so",
        delivery=Delivery.SENT if is_sent else Delivery.NOT_SENT,
        retryable=400 <= code < 500 or code >= 600,
        source="server",
    )
    return Known(MailState.SENT if is_sent else MailState.NOT_SENT, result)


@dataclass
class ListDesk:
    """Answers for each user with the code that *codes* has, 250 unless it has one; None is not yet."""

    codes: dict[str, int | None] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    on_rows: Callable[[], object] = lambda: None

    def for_rows(self, rows: Sequence[tuple[str, PasswordReset]]) -> None:
        self.asked += [(mail_id, reset.user) for mail_id, reset in rows]
        self.on_rows()

    def look_up(self, mail_ids: Sequence[str]) -> list[Any]:
        users = dict(self.asked)
        return [self._known(mail_id, users) for mail_id in mail_ids]

    def cancel(self, mail_id: str) -> None:
        self.cancelled.append(mail_id)

    def _known(self, mail_id: str, users: dict[str, str]) -> Known | None:
        if mail_id not in users:
            return None
        if mail_id in self.cancelled:
            return Known(MailState.CANCELLED, known(650).result)
        code = self.codes.get(users[mail_id], 250)
        return Known(MailState.QUEUED, None) if code is None else known(code)
