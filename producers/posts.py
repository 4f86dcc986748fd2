"""Where the mails of a `Mailer` go: into a queue, or to a gateway, which look the same from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from tasks.journal.sealing_keys import as_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pydantic import SecretStr

    from producers.batches import Answer, HandedIn, Message
    from tasks.contract.names import Lane
    from tasks.contract.parameters import SendEmail
    from tasks.contract.result import SendEmailResult
    from tasks.contract.status import MailStatus

#: Schemes of URLs that are no broker's.
_GATEWAYS: Final = ("http", "https")


class Post(Protocol):
    """Takes valid mails, and knows what became of them; its errors are those that `Mailer` describes."""

    def hand_in(
        self, requests: Sequence[SendEmail], *, lane: Lane, send_at: datetime | None = None
    ) -> Sequence[Answer]:
        """Hand mails in together and return the answer to each."""

    def hand_in_each(
        self, messages: Iterable[Message], *, lane: Lane, send_at: datetime | None = None
    ) -> Iterator[HandedIn]:
        """Hand mails in as they come, in parts, and yield what became of each."""

    def poll(self, mail_id: str) -> MailStatus:
        """Return where the mail stands."""

    def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:
        """Return the mail's result as soon as there is one."""

    async def wait_in_loop(self, mail_id: str, *, timeout: float) -> SendEmailResult:  # noqa: ASYNC109 (Mailer's)
        """Do as `wait` in an event loop, without holding a thread."""

    def cancel(self, mail_id: str) -> MailStatus:
        """Cancel the mail if it waits, and return where it stands then."""

    def resend(self, mail_id: str, request: SendEmail, *, force: bool) -> MailStatus:
        """Send a settled mail again, or raise why not."""

    def store(self, content: bytes, *, name: str) -> str:
        """Store the bytes of an attachment and return the reference under which they are called *name*."""

    def close(self) -> None:
        """Close the connections."""


def post_at(
    url: str,
    *,
    key: str | SecretStr | None,
    journal_url: str | None,
    sealing_keys: Sequence[str | SecretStr],
    is_lean: bool,
) -> Post:
    """
    Return the post at *url*; what a queue needs, or a gateway, is imported only for it.

    Raises:
        ValueError: the URL or a key cannot be used, or one does not go with the other; none is repeated.
    """
    if is_gateway(url):
        if journal_url or sealing_keys or not is_lean:
            raise ValueError("journal_url, sealing_keys and is_lean are the gateway's own; leave them out")
        from producers.over_http.post import HttpPost  # noqa: PLC0415 - only those who use HTTP load it

        return HttpPost(url, key)
    if key is not None:
        raise ValueError("an API key goes with the https:// URL of a gateway, and this is a broker's")
    from producers.outbox import Outbox  # noqa: PLC0415 - only those who use a queue load Celery
    from producers.queue_post import QueuePost  # noqa: PLC0415 - as above

    keys = as_keys(sealing_keys)
    return QueuePost(Outbox(url, journal_url=journal_url, sealing_keys=keys, is_lean=is_lean))


def is_gateway(url: str) -> bool:
    """Whether *url* is that of a gateway."""
    return url.partition(":")[0].lower() in _GATEWAYS
