"""What happens to the emails of an API key, seen by whoever asks a gateway for the newest again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from producers.over_http.address import parse_address, parse_key
from producers.over_http.line import Line
from producers.over_http.refusals import refusal
from producers.over_http.replies import Page
from producers.over_http.tries import Ask
from producers.tailing import Told, happened_to
from tasks.journal.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from producers.over_http.replies import Listed
    from producers.tailing import Happened, Wanted

#: Emails on a page, which is as many as a gateway gives.
_SIZE: Final = 100
#: Pages that a look takes at most, and the search for the last emails with which it begins.
_LOOKED_AT: Final = 5
_SEARCHED: Final = 10


class Look(NamedTuple):
    """What is new, how many requests it took to know, and what is not known."""

    happened: list[Happened]
    pages: int
    gaps: tuple[str, ...]


class Watch:
    """
    Looks at the newest emails of an API key at a gateway.

    A look ends with the first page that has an email of an earlier look, and has passed all that had not
    ended then; after five pages in any case, and what may be behind them is said.

    Raises:
        QueueUnavailable, KeyRejected, GatewayError: the gateway did not answer, or not as one.
    """

    def __init__(self, url: str, key: SecretStr, wanted: Wanted) -> None:
        self._line = Line(parse_address(url), parse_key(key))
        self._wanted = wanted
        self._told = Told()
        self._open: set[str] = set()
        self._since = datetime.min.replace(tzinfo=UTC)

    def last(self, count: int) -> tuple[list[Happened], bool]:
        """Return the emails that were accepted last, oldest first, and whether it was looked for all."""
        found: list[Record] = []
        seen: list[Record] = []
        is_whole = True
        for number, (records, is_last) in enumerate(self._pages(), start=1):
            for record in records:
                self._note(record)
            seen += records
            found += filter(self._wanted.has, records)
            if len(found) >= count or is_last:
                break
            if number == _SEARCHED:
                is_whole = False
                break
        self._since = max((record.accepted_at for record in seen), default=self._since)
        return [happened_to(record, record.accepted_at) for record in reversed(found[:count])], is_whole

    def news(self) -> Look:
        """Return those whose state, or last answer, is another than at the last look."""
        left, found, pages, is_joined = set(self._open), list[Record](), 0, False
        for records, is_last in self._pages():
            pages += 1
            left -= {record.mail_id for record in records}
            is_joined = is_joined or is_last or any(record.mail_id in self._told for record in records)
            found += records
            if is_last:
                left.clear()
            if pages == _LOOKED_AT or (is_joined and not left):
                break
        self._open -= left
        now = datetime.now(UTC)
        news = [happened_to(r, now) for r in reversed(found) if self._is_news(r) and self._wanted.has(r)]
        return Look(news, pages, tuple(_gaps(len(left), is_joined=is_joined)))

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def _is_news(self, record: Record) -> bool:
        """Whether to tell of it: what was there before the first look and not part of it, is none."""
        is_old = record.mail_id not in self._told and record.accepted_at < self._since
        return self._note(record) and not is_old

    def _note(self, record: Record) -> bool:
        if record.state.is_terminal:
            self._open.discard(record.mail_id)
        else:
            self._open.add(record.mail_id)
        return self._told.is_news(record)

    def _pages(self) -> Iterator[tuple[list[Record], bool]]:
        """Yield the emails page by page, newest first, and whether it is the last page."""
        cursor: str | None = None
        while True:
            query = {"limit": str(_SIZE)} | ({"cursor": cursor} if cursor else {})
            reply = self._line.ask(Ask("GET", "/v1/emails", {"params": query}))
            if reply.status >= 400:  # noqa: PLR2004 - HTTP's
                raise refusal(reply, "")
            page = reply.read(Page)
            yield [_record(each) for each in page.emails], page.next is None
            cursor = page.next
            if cursor is None:
                return


def _gaps(left: int, *, is_joined: bool) -> Iterator[str]:
    most = _SIZE * _LOOKED_AT
    if not is_joined:
        yield f"more emails came than the {most} that a look takes; some are not shown"
    if left:
        yield f"{left} that wait are older than the newest {most}; what becomes of them is not shown"


def _record(listed: Listed) -> Record:
    return Record(
        listed.id,
        listed.state,
        listed.lane,
        listed.accepted_at,
        listed.result,
        last_code=listed.code,
        last_message=listed.message,
    )
