"""Everything that can be found wrong with a mail before a connection is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput
from tasks.contract.password_reset import FIELD, is_password_reset, parse_password_reset
from tasks.contract.validation import parse
from tasks.deadline import Deadline
from tasks.delivery.bugs import internal_failure, log_bug
from tasks.delivery.letters import Letters, NoLetters, Occasion
from tasks.delivery.outcome import UNKNOWN_REPLY
from tasks.delivery.prepared import Prepared
from tasks.delivery.sealing import SealPolicy
from tasks.delivery.steps import Steps, work_off
from tasks.delivery.ways import Ways
from tasks.failures import Expired, Failure, NotBegun, PermanentFailure, Reply, Unconfirmed
from tasks.journal.records import Grip
from tasks.loops import give_way, offload
from tasks.message.attachments import AttachmentPolicy, load
from tasks.message.compose import MAX_BYTES, compose
from tasks.message.identity import Identity
from tasks.smtp.planning import TOO_LITTLE_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime

    from tasks.contract.parameters import SendEmail
    from tasks.contract.password_reset import PasswordReset
    from tasks.delivery.mail import Mail
    from tasks.delivery.retry import RetryPolicy
    from tasks.delivery.routing import Direction, Router
    from tasks.delivery.steps import Done, Work
    from tasks.message.attachments import Attachment

_CRASHED: Final = Reply(LocalCode.WORKER_CRASHES, "the mail was given up: each worker that took it up died")


@dataclass(frozen=True)
class Preparation:
    """
    Validates, routes and composes mails.

    *stored* finds the bytes of attachments by their digest; *max_bytes* is the size of the largest finished
    message; *sealing* opens sealed parameters; *letters* writes the mails of password resets.
    """

    router: Router
    attachments: AttachmentPolicy
    stored: Callable[[str], bytes | None]
    max_bytes: int = MAX_BYTES
    sealing: SealPolicy = field(default_factory=SealPolicy)
    letters: Letters = field(default_factory=NoLetters)

    @cached_property
    def ways(self) -> Ways:
        """What tells by their parameters which mails go the same way."""
        return Ways(self.router.accounts, self.sealing)

    def prepare(self, mails: Iterable[Mail], policy: RetryPolicy) -> None:
        """
        Make *mails* ready, or settle those with which something is wrong, or put them off by *policy*.

        Step by step for all of them instead of mail by mail: together the steps are more code than a
        processor keeps at hand, and taking turns costs half as much again (docs/decisions/0055).
        """
        known: dict[str, Attachment] = {}
        under_way = [Steps(mail, self._steps(mail, known)) for mail in mails]
        while under_way:
            under_way = [steps for steps in under_way if _go_on(steps, policy)]
            work_off([steps for steps in under_way if steps.work])

    def _steps(self, mail: Mail, known: dict[str, Attachment]) -> Generator[Work | None, Done | None, None]:
        """Make *mail* ready, and stop after each step so that others can catch up, or to have work done."""
        parameters = self.sealing.open(mail.job)
        yield None
        request = self._request(parameters, mail)
        mail.open(request)
        yield None
        direction = self.router.direct(request)
        _restrict_time(mail, request.timeout_seconds, request.expires_at)
        self._respect_the_past(mail, request, direction)
        files: Sequence[Attachment] = ()
        if request.attachments:
            done = yield partial(self._load, request, known)
            files = done() if done else ()
        mail.ready = self._compose(mail, request, direction, files)

    def _request(self, parameters: Mapping[str, object], mail: Mail) -> SendEmail:
        """Return the validated mail; where a password reset was asked for, it is written now."""
        if not is_password_reset(parameters):
            return parse(parameters)
        mail.is_reset = True
        mail.recall()
        try:
            return self._write(parse_password_reset(parameters[FIELD]), mail)
        except Failure as failure:
            if mail.claim.grip is Grip.UNCONFIRMED:
                # Whatever is the matter now, an earlier worker may have sent it.
                raise Unconfirmed(UNKNOWN_REPLY) from failure
            raise

    def _write(self, reset: PasswordReset, mail: Mail) -> SendEmail:
        if mail.claim.grip is Grip.CRASHED:
            raise PermanentFailure(_CRASHED)
        _restrict_time(mail, reset.timeout_seconds, mail.claim.accepted_at + timedelta(seconds=reset.ttl))
        occasion = Occasion(mail.job.mail_id, mail.claim.accepted_at, mail.now, mail.deadline)
        try:
            # It may ask a directory, which may take its time.
            return offload(lambda: self.letters.write(reset, occasion))
        except (Failure, InvalidInput):
            raise
        except Exception as error:  # noqa: BLE001 (an adapter's bug must fail this mail only, and as a result)
            log_bug(error, mail.job.mail_id)
            raise internal_failure() from None

    def _respect_the_past(self, mail: Mail, request: SendEmail, direction: Direction) -> None:
        """Stop where an earlier worker's death leaves nothing, or nothing safe, to do."""
        if mail.claim.grip is Grip.CRASHED:
            raise PermanentFailure(_CRASHED)
        if mail.claim.grip is not Grip.UNCONFIRMED:
            return
        if not _resends_unknown(request, direction):
            raise Unconfirmed(UNKNOWN_REPLY)
        mail.progress.reopen()

    def _load(self, request: SendEmail, known: dict[str, Attachment]) -> Sequence[Attachment]:
        return load(request.attachments, self.attachments, stored=self.stored, known=known)

    def _compose(
        self, mail: Mail, request: SendEmail, direction: Direction, files: Sequence[Attachment]
    ) -> Prepared:
        identity = Identity.of(mail.job.mail_id, mail.claim.accepted_at, direction.sender.domain)
        envelope = compose(
            request,
            sender=direction.sender,
            identity=identity,
            attachments=files,
            max_bytes=self.max_bytes,
        )
        return Prepared(
            direction.route,
            envelope,
            identity.message_id,
            (*_notes(request, direction), *envelope.notes),
            _resends_unknown(request, direction),
        )


def _restrict_time(mail: Mail, budget: float, expires_at: datetime | None) -> None:
    """Set the mail's deadline: what is left of its Timeout, and never past the moment when it expires."""
    left = budget - mail.claim.elapsed
    if expires_at is not None:
        until_expiry = (expires_at - mail.now) / timedelta(seconds=1)
        if until_expiry <= 0:
            raise Expired(Reply(LocalCode.TIME_OVER, "the mail expired before it could be sent"))
        left = min(left, until_expiry)
    mail.deadline = Deadline.after(left, budget=budget, clock=mail.clock)
    if mail.deadline.remaining <= mail.deadline.reserve and mail.attempts:
        raise NotBegun(TOO_LITTLE_TIME)


def _resends_unknown(request: SendEmail, direction: Direction) -> bool:
    return (request.on_unknown or direction.account.on_unknown) == "resend"


def _notes(request: SendEmail, direction: Direction) -> tuple[str, ...]:
    notes = []
    if request.merged:
        notes.append(f"Merged repeated recipients: {', '.join(request.merged)}.")
    if direction.route.is_encrypted and not direction.route.trust.is_checked:
        notes.append("Certificate not verified.")
    return tuple(notes)


def _go_on(steps: Steps, policy: RetryPolicy) -> bool:
    give_way()
    return steps.go_on(policy)
