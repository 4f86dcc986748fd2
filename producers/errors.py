"""
What a producer can meet, beside `InvalidInput` for parameters that are wrong.

```
PostroomError
├── QueueUnavailable       the queue could not be reached
├── IdempotencyConflict    the key belongs to a mail with other parameters
├── MailNotFound           there is no such mail, or it is long past
└── WaitTimeout            the mail had no result yet when the time was over
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.contract.codes import LocalCode

if TYPE_CHECKING:
    from tasks.contract.status import MailStatus


class PostroomError(Exception):
    """The base of everything that the client raises by itself."""


class QueueUnavailable(PostroomError):
    """
    The queue could not be reached within a few seconds.

    Either nothing was stored, or a repeat with the same idempotency key finds the mail that was.
    """

    code = LocalCode.QUEUE_UNAVAILABLE


class IdempotencyConflict(PostroomError):
    """The idempotency key belongs to the mail *mail_id*, which has other parameters."""

    code = LocalCode.IDEMPOTENCY_CONFLICT

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"the idempotency key belongs to mail {mail_id}, which has other parameters")
        self.mail_id = mail_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mail_id,)


class MailNotFound(PostroomError, LookupError):
    """No mail *mail_id* was ever enqueued here, or its result has been forgotten."""

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"there is no mail {mail_id!r}; results are kept for a day")
        self.mail_id = mail_id

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.mail_id,)


class WaitTimeout(PostroomError, TimeoutError):
    """The mail was not settled in time; *status* says where it stood."""

    def __init__(self, status: MailStatus) -> None:
        super().__init__(f"mail {status.mail_id} is still {status.state}")
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.status,)
