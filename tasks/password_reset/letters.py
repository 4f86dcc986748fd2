"""From a reset that was asked for to the mail that goes out: look up, decide, have a link issued, write."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput
from tasks.contract.validation import parse
from tasks.failures import PermanentFailure, Reply, TransientFailure
from tasks.password_reset.notices import Staff
from tasks.password_reset.ports import Unreachable
from tasks.templating.catalogue import TemplateProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr

    from tasks.contract.parameters import SendEmail
    from tasks.contract.password_reset import PasswordReset
    from tasks.delivery.letters import Occasion
    from tasks.journal.audit import Audited
    from tasks.password_reset.ports import Directory, LinkIssuer, User
    from tasks.templating.catalogue import Catalogue

_THROTTLED: Final = Reply(LocalCode.POLICY, "more password resets than the limits allow; nothing was sent")
_NO_USER: Final = Reply(LocalCode.POLICY, "the directory knows no such user; nothing was sent")
_INACTIVE: Final = Reply(LocalCode.POLICY, "the user's account is not active; nothing was sent")
_UNVERIFIED: Final = Reply(LocalCode.POLICY, "the user's address was never confirmed; nothing was sent")
_NO_ADDRESS: Final = Reply(LocalCode.POLICY, "the directory has no address for the user; nothing was sent")
_BAD_ADDRESS: Final = Reply(
    LocalCode.POLICY, "the directory's address for the user is none; nothing was sent"
)
_NO_ACTOR: Final = Reply(LocalCode.POLICY, "this worker does not write to that actor; nothing was sent")
_NO_RECORD: Final = Reply(LocalCode.POLICY, "there is no record of a reset that failed; nothing was sent")
_BAD_LINK: Final = Reply(LocalCode.INTERNAL, "the issuer's link is no https:// address; nothing was sent")
_AWAY: Final = Reply(LocalCode.CONNECT, "whoever knows the users or issues the links cannot be reached")

_LINK: Final = re.compile(r"https?://[!-~]{1,2000}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class House:
    """
    Who writes: the *product* that the accounts belong to, and where its users find *support*.

    *staff* says where actors are told of resets that failed, if they are; *answers_strangers* that somebody
    who typed an address without an account is told so by mail; *answers_inactive* that somebody whose account
    cannot be reset is.
    """

    product: str
    support: str
    staff: Staff = field(default_factory=lambda: Staff(""))
    answers_strangers: bool = False
    answers_inactive: bool = True


@dataclass(frozen=True, slots=True)
class ResetLetters:
    """
    Writes the mails of password resets with what a directory and an issuer say at that moment.

    *recall* finds the record of a reset, for the notice that it failed.
    """

    directory: Directory
    issuer: LinkIssuer
    templates: Catalogue
    house: House
    recall: Callable[[str], Audited | None] = lambda _: None

    def write(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:
        """
        Return the mail: with a link for a user who may have one, else an explaining one to a requester.

        Raises:
            TransientFailure: the directory or the issuer cannot be reached.
            PermanentFailure: nothing is to be sent; the text says why and names nobody.
        """
        if reset.is_throttled:
            raise PermanentFailure(_THROTTLED)
        if reset.about is not None:
            return self._to_actor(reset, reset.about, occasion)
        try:
            return self._write(reset, occasion)
        except Unreachable:
            raise TransientFailure(_AWAY) from None
        except TemplateProblem as problem:
            reply = Reply(LocalCode.INTERNAL, f"the template cannot be used: {problem}")
            raise PermanentFailure(reply) from None

    def _write(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:
        user = self.directory.lookup(reset.user, timeout=occasion.deadline.remaining)
        if user is None:
            return self._to_stranger(reset, occasion)
        if user.address is None:
            raise PermanentFailure(_NO_ADDRESS)
        if reset.workflow == "completed":
            return self._mail("password-changed", user.address, reset, occasion, user=user)
        if not (user.is_active and user.is_verified):
            return self._to_inactive(reset, user, occasion)
        link = self.issuer.issue(user, reset.ttl, timeout=occasion.deadline.remaining)
        return self._mail(
            reset.template, user.address, reset, occasion, user=user, link=_checked(link).get_secret_value()
        )

    def _to_stranger(self, reset: PasswordReset, occasion: Occasion) -> SendEmail:
        is_address = "@" in reset.user
        if reset.workflow != "requester" or not self.house.answers_strangers or not is_address:
            raise PermanentFailure(_NO_USER)
        return self._mail("no-account", reset.user, reset, occasion)

    def _to_inactive(self, reset: PasswordReset, user: User, occasion: Occasion) -> SendEmail:
        if reset.workflow == "specified" or not self.house.answers_inactive or user.address is None:
            raise PermanentFailure(_UNVERIFIED if user.is_active else _INACTIVE)
        return self._mail("account-unavailable", user.address, reset, occasion, user=user)

    def _to_actor(self, reset: PasswordReset, about: str, occasion: Occasion) -> SendEmail:
        address, record = self.house.staff.address_of(reset.user), self.recall(about)
        if address is None:
            raise PermanentFailure(_NO_ACTOR)
        if record is None or record.code is None:
            raise PermanentFailure(_NO_RECORD)
        asked = record.asked
        told = {
            "actor": reset.user,
            "user": asked.target,
            "reason": asked.ticket or asked.reason or about,
            "code": record.code,
            "message": record.message or "",
        }
        return self._mail("reset-failed", address, reset, occasion, told=told)

    def _mail(  # noqa: PLR0913 - a mail has all of these
        self,
        template: str,
        address: str,
        reset: PasswordReset,
        occasion: Occasion,
        *,
        user: User | None = None,
        link: str = "",
        told: Mapping[str, object] | None = None,
    ) -> SendEmail:
        locale = (user.locale if user else None) or reset.locale
        values = {**self._values(reset, user, link), **(told or {})}
        rendered = self.templates.render(template, values, locale=locale)
        given: dict[str, Any] = {
            "to": [address],
            "subject": rendered.subject,
            "body": rendered.html,
            "text_body": rendered.text,
            "email_format": "html",
            "timeout": reset.timeout,
            "account": reset.account,
            "expires_at": occasion.accepted_at + timedelta(seconds=reset.ttl),
            "headers": {"Auto-Submitted": "auto-generated"},
            "metadata": {"workflow": reset.workflow},
        }
        try:
            return parse(given)
        except InvalidInput as invalid:
            is_address = any(error.field == "to" for error in invalid.errors)
            reply = _BAD_ADDRESS if is_address else Reply(invalid.code, str(invalid))
            raise PermanentFailure(reply) from None

    def _values(self, reset: PasswordReset, user: User | None, link: str) -> dict[str, object]:
        values: dict[str, object] = {
            "product": self.house.product,
            "support": self.house.support,
            "name": user.name if user else "",
            "minutes": reset.ttl // 60,
        }
        return {**values, "link": link} if link else values


def _checked(link: SecretStr) -> SecretStr:
    if not _is_safe(link.get_secret_value()):
        raise PermanentFailure(_BAD_LINK)
    return link


def _is_safe(link: str) -> bool:
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return False
    return bool(_LINK.fullmatch(link) and host and (parts.scheme == "https" or host in _LOOPBACK))
