"""The email backend for Django: 5.2 with EMAIL_BACKEND, 6.1 and later with MAILERS."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.dispatch import Signal

from producers.integrations.client import SETTINGS, Client, settings_of
from producers.integrations.django_mails import mail_of
from producers.integrations.failures import Misconfigured, PostroomError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.core.mail import EmailMessage

    from producers.integrations.answers import Status
    from producers.integrations.mails import Letter, Mail

logger = logging.getLogger(__name__)

#: Sent for each message that was handed in, with *message* and *mail_id*.
handed_in = Signal()

_OPTIONS: Final = ("lane", "account", "timeout", "idempotency_key", "expires_at", "metadata", "reference")
_KNOWN: Final = frozenset({"ON_COMMIT", *map(str.upper, SETTINGS)})
_chosen: ContextVar[Mapping[str, Any]] = ContextVar("postroom_options", default={})  # noqa: B039 - never changed


@contextmanager
def options(**chosen: Any) -> Iterator[None]:
    """
    Have mails that are sent meanwhile go with these options; a message's own headers win.

    Of several mails the first one has the *idempotency_key*, and the others have numbers behind it.
    It also decorates a view that is no coroutine: `options(lane="reset")(PasswordResetView.as_view())`.

    Raises:
        TypeError: there is no such option.
    """
    if unknown := sorted(set(chosen) - set(_OPTIONS)):
        raise TypeError(f"{unknown[0]} is no option; there are {', '.join(_OPTIONS)}")
    if key := chosen.get("idempotency_key"):
        chosen["idempotency_key"] = (key if number == 1 else f"{key}/{number}" for number in count(1))
    token = _chosen.set({**_chosen.get(), **chosen})
    try:
        yield
    finally:
        _chosen.reset(token)


class EmailBackend(BaseEmailBackend):  # type: ignore[misc] # Django has no types
    """
    Hands messages in to Postroom in place of sending them.

    The settings are those of `Client`, in capitals in `POSTROOM`, or as `OPTIONS` of one of `MAILERS`. Each
    message that is handed in gets the attribute `postroom_id`. With `on_commit`, which is True unless set,
    messages of a transaction are handed in when it is committed, and never if it is rolled back; a string
    names the database, False hands them in at once. Mail to ADMINS and MANAGERS never waits.
    """

    def __init__(
        self,
        fail_silently: bool = False,  # noqa: FBT001, FBT002 - Django passes it by position
        *,
        alias: str | None = None,
        username: str | None = None,
        password: str | None = None,
        **given: Any,
    ) -> None:
        own: dict[str, Any] = {name: given.pop(name) for name in (*SETTINGS, "on_commit") if name in given}
        super().__init__(alias=alias, **given)
        if username or password:
            raise ImproperlyConfigured("passwords are Postroom's; choose an account with the option account")
        self.alias = alias
        self.fail_silently = fail_silently
        found = getattr(settings, "POSTROOM", {})
        if unknown := sorted(set(found) - _KNOWN):
            raise ImproperlyConfigured(
                f"POSTROOM: {unknown[0]} is unknown; known are {', '.join(sorted(_KNOWN))}"
            )
        self._on_commit = own.pop("on_commit", found.get("ON_COMMIT", True))
        self.client = _client({**settings_of(found, ""), **own})

    def send_messages(self, email_messages: Sequence[EmailMessage] | None) -> int:
        """
        Hand messages in and return how many were accepted, or wait for the commit to be.

        Raises:
            Refused: a message has what cannot be sent, whatever *fail_silently* says; none is handed in.
            PostroomError: something else went wrong, unless *fail_silently*.
        """
        messages = [message for message in email_messages or () if message.recipients()]
        letters = self.client.write(_mails_of(messages))
        database = self._transaction()
        now: list[tuple[EmailMessage, Letter]] = []
        later: list[tuple[EmailMessage, Letter]] = []
        for pair in zip(messages, letters, strict=True):
            (now if database is None or _is_for_staff(pair[0]) else later).append(pair)
        if later:
            transaction.on_commit(partial(self._hand_in, later), using=database)
        return len(later) + (self._hand_in(now) if now else 0)

    def status(self, mail_id: str) -> Status:
        """Return where a mail stands. Raises as `Client.status`."""
        return self.client.status(mail_id)

    def wait(self, mail_id: str, *, timeout: float) -> Status:
        """Return where a mail stands once that is final, after at most *timeout* seconds."""
        return self.client.wait(mail_id, timeout=timeout)

    def _transaction(self) -> str | None:
        """Return the database whose commit is to be waited for."""
        if not self._on_commit:
            return None
        database = self._on_commit if isinstance(self._on_commit, str) else "default"
        return database if transaction.get_connection(database).in_atomic_block else None

    def _hand_in(self, pairs: Sequence[tuple[EmailMessage, Letter]]) -> int:
        accepted = 0
        refused: list[Refused] = []
        try:
            answers = self.client.hand_in([letter for _, letter in pairs])
            for (message, _), answer in zip(pairs, answers, strict=True):
                if isinstance(answer, Refused):
                    refused.append(answer)
                    continue
                message.postroom_id = answer
                accepted += 1
                _tell(type(self), message, answer)
            if refused:
                raise Refused(*(problem for each in refused for problem in each.problems))
        except PostroomError as error:
            if not self.fail_silently:
                raise
            left = len(pairs) - accepted
            logger.warning("mails not handed in: %d of %d: %s", left, len(pairs), error)
        return accepted


def backend(using: str = "default") -> EmailBackend:
    """
    Return the backend that the settings describe, to ask it where a mail stands.

    Raises:
        ImproperlyConfigured: the settings describe another backend.
    """
    has_mailers = hasattr(settings, "MAILERS") and hasattr(mail, "mailers")
    found = mail.mailers[using] if has_mailers else mail.get_connection()
    if not isinstance(found, EmailBackend):
        raise ImproperlyConfigured(f"mail goes through {type(found).__module__}, which knows no ids")
    return found


def _tell(sender: type, message: EmailMessage, mail_id: str) -> None:
    try:
        handed_in.send(sender=sender, message=message, mail_id=mail_id)
    except Exception:
        # A warning, since Django mails errors to ADMINS: through here, and to the same listener.
        logger.warning("a listener of handed_in failed", exc_info=True)


def _mails_of(messages: Sequence[EmailMessage]) -> list[Mail]:
    """Return the mails, or raise `Refused` with what is wrong with any of the messages."""
    mails, problems = [], []
    for number, message in enumerate(messages, start=1):
        try:
            chosen = dict(_chosen.get())
            if keys := chosen.pop("idempotency_key", None):
                chosen["idempotency_key"] = next(keys)
            mails.append(mail_of(message, chosen))
        except Refused as refused:
            place = "" if len(messages) == 1 else f"mail {number}: "
            problems += [place + problem for problem in refused.problems]
    if problems:
        raise Refused(*problems)
    return mails


def _client(own: Mapping[str, Any]) -> Client:
    try:
        return _kept(tuple(sorted(own.items())))
    except Misconfigured as error:
        raise ImproperlyConfigured(f"POSTROOM: {error}") from error


@lru_cache(maxsize=32)
def _kept(own: tuple[tuple[str, Any], ...]) -> Client:
    # Django makes a backend for each send_mail; connections are kept here.
    return Client(**dict(own))


def _is_for_staff(message: EmailMessage) -> bool:
    """Whether it goes to ADMINS or MANAGERS only: error reports are about what was rolled back."""
    people = (*settings.ADMINS, *settings.MANAGERS)
    staff = {person if isinstance(person, str) else person[1] for person in people}
    return set(message.recipients()) <= staff
