"""The client of a web application: it checks mails, hands them in by either way, and asks for results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from producers.integrations.by_name import ByName
from producers.integrations.checks import problems_of
from producers.integrations.failures import Misconfigured, Refused
from producers.integrations.mails import Mail, letter_of
from producers.integrations.over_http import OverHTTP
from producers.integrations.words import LANES, MAX_TIMEOUT, MIN_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Self

    from producers.integrations.answers import Status, Way
    from producers.integrations.mails import Letter

#: The settings of a `Client`; frameworks spell them in their own way.
SETTINGS: Final = (
    "broker_url",
    "journal_url",
    "gateway_url",
    "api_key",
    "api_key_file",
    "give_up_after",
    "max_attachment_bytes",
    "lane",
    "account",
    "timeout",
)
#: What goes into a message of 10 MiB, which workers send unless told otherwise: files grow by a third there.
_MOST_BYTES: Final = 7 * 1024 * 1024


class Client:
    """
    Hands mails in, and says what became of them; one serves a process, and threads share it.

    With *broker_url* mails go into the queue by name, as plain Celery messages, and attachments into the
    Redis beside it; *journal_url* says where that is if the broker is a RabbitMQ. With *gateway_url* and
    *api_key*, or *api_key_file*, they go over HTTP, and are kept from the moment that an id is returned.

    *lane*, *account* and *timeout* are for mails that say nothing else. *give_up_after* is how
    many seconds a call may take, more or less, while queue or gateway do not answer.
    """

    def __init__(  # noqa: PLR0913 - an argument for each setting
        self,
        *,
        broker_url: str = "",
        journal_url: str = "",
        gateway_url: str = "",
        api_key: str = "",
        api_key_file: str | os.PathLike[str] = "",
        give_up_after: float | str = 10.0,
        max_attachment_bytes: int | str = _MOST_BYTES,
        lane: str = "default",
        account: str | None = None,
        timeout: int | str | None = None,
    ) -> None:
        if bool(broker_url) == bool(gateway_url):
            raise Misconfigured("set either broker_url, the workers' queue, or gateway_url with api_key")
        self._defaults = {
            "lane": lane,
            "account": account or None,
            "timeout": None if timeout is None else _milliseconds(timeout),
        }
        self._most_bytes = _number("max_attachment_bytes", max_attachment_bytes)
        if lane not in LANES:
            raise Misconfigured(f"lane: must be one of {', '.join(LANES)}")
        key = api_key or (_read(api_key_file) if api_key_file else "")
        patience = _seconds(give_up_after)
        self._make: Callable[[], Way] = (
            (lambda: OverHTTP(gateway_url, key, patience=patience))
            if gateway_url
            else (lambda: ByName(broker_url, journal_url, patience=patience))
        )
        self._way: Way = self._make()
        self._process = os.getpid()

    def send(self, mail: Mail | None = None, /, **fields: Any) -> str:
        """
        Hand one mail in, a `Mail` or its fields, and return the id to ask for its result with.

        Raises:
            Refused: with everything that is wrong with it.
            Unavailable: queue or gateway is away.
        """
        [answer] = self.send_many([mail or Mail(**fields)])
        if isinstance(answer, Refused):
            raise answer
        return answer

    def send_many(self, mails: Sequence[Mail]) -> list[str | Refused]:
        """
        Hand many mails in, in few round trips, and return for each its id, or why the gateway refused it.

        Raises:
            Refused: one of them is wrong in itself; none was handed in.
            Unavailable: queue or gateway is away; some may have been handed in.
        """
        return list(self.hand_in(self.write(mails)))

    def write(self, mails: Sequence[Mail]) -> list[Letter]:
        """
        Return a letter for each mail.

        Raises:
            Refused: one of them is wrong; with everything that is wrong with any.
        """
        letters = [letter_of(mail, self._defaults) for mail in mails]
        problems = [
            problem if len(letters) == 1 else f"mail {number}: {problem}"
            for number, letter in enumerate(letters, start=1)
            for problem in problems_of(
                letter.fields, letter.files, lane=letter.lane, max_bytes=self._most_bytes
            )
        ]
        if problems:
            raise Refused(*problems)
        return letters

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        """Yield for each letter its id, or why the gateway refused it, as the answers come."""
        return self._here.hand_in(letters)

    def status(self, mail_id: str) -> Status:
        """
        Return where a mail stands.

        Raises:
            NoSuchMail: the gateway has none of this id; by name, such a one is `queued`.
            Unavailable: queue or gateway is away.
        """
        return self._here.look_up(mail_id, wait=0.0)

    def wait(self, mail_id: str, *, timeout: float) -> Status:
        """Return where a mail stands as soon as that is final, after at most *timeout* seconds."""
        return self._here.look_up(mail_id, wait=timeout)

    def close(self) -> None:
        """Close the connections; whoever hands something in afterwards opens new ones."""
        self._here.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _here(self) -> Way:
        # A server that forks would have its children share sockets.
        if self._process != os.getpid():
            self._way, self._process = self._make(), os.getpid()
        return self._way


def settings_of(mapping: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the settings that stand in *mapping* under their names in capitals behind *prefix*."""
    names = {name: f"{prefix}{name.upper()}" for name in SETTINGS}
    return {name: mapping[key] for name, key in names.items() if mapping.get(key) not in (None, "")}


def _number(name: str, value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Misconfigured(f"{name}: is no whole number") from None


def _milliseconds(value: int | str) -> int:
    timeout = _number("timeout", value)
    if not MIN_TIMEOUT <= timeout <= MAX_TIMEOUT:
        raise Misconfigured(f"timeout: must be {MIN_TIMEOUT} to {MAX_TIMEOUT}, in milliseconds")
    return timeout


def _seconds(value: float | str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour is for ever here
        raise Misconfigured("give_up_after: must be a number of seconds, above 0")
    return seconds


def _read(file: str | os.PathLike[str]) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise Misconfigured("api_key_file: cannot be read") from None
