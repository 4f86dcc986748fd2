"""What a worker does with sealed parameters, and with plain ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.contract.codes import LocalCode
from tasks.contract.errors import InvalidInput
from tasks.contract.password_reset import FIELD, is_password_reset, parse_password_reset
from tasks.contract.validation import parse
from tasks.failures import PermanentFailure, Reply
from tasks.journal.entries import Entry
from tasks.journal.sealing import SEALED, Unsealable, is_sealed, to_payload, to_text
from tasks.journal.sealing_keys import KEYS_SETTING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.delivery.job import Job
    from tasks.journal.entries import Request
    from tasks.journal.sealing import Seal

_NO_KEY: Final = (
    f"the sealed parameters cannot be opened; this worker has no key: set {KEYS_SETTING} to the producer's"
)
_NO_KEY_FITS: Final = (
    "the sealed parameters cannot be opened; they were changed, belong to another task id, or were sealed "
    f"with a key that is not among the worker's {KEYS_SETTING}"
)
_PLAIN: Final = (
    "the parameters are not sealed, and this worker takes sealed ones only; give the producer one of the "
    f"worker's {KEYS_SETTING}"
)


@dataclass(frozen=True, slots=True)
class SealPolicy:
    """What opens sealed parameters, if anything does, and whether plain ones are refused."""

    seal: Seal | None = None
    is_required: bool = False

    def open(self, job: Job) -> Mapping[str, object]:
        """
        Return the parameters of *job*, which may be sealed.

        Raises:
            PermanentFailure: they cannot be opened, or are plain where they must not be.
        """
        if not is_sealed(job.parameters):
            if self.is_required:
                raise PermanentFailure(Reply(LocalCode.POLICY, _PLAIN))
            return job.parameters
        if self.seal is None:
            raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, _NO_KEY))
        try:
            return self.seal.open(job.mail_id, str(job.parameters[SEALED]))
        except Unsealable:
            raise PermanentFailure(Reply(LocalCode.INVALID_INPUT, _NO_KEY_FITS)) from None

    def entry(self, job: Job) -> Entry:
        """
        Return the record of a mail that came by name, sealed where there is a key.

        One that is not valid has no idempotency; of plain parameters that are refused nothing is kept, or a
        sealed copy of them would be accepted later.
        """
        try:
            parameters: Mapping[str, Any] = self.open(job)
        except PermanentFailure:
            kept = job.parameters if is_sealed(job.parameters) else {}
            return Entry(job.mail_id, job.lane, to_text(kept))
        try:
            return Entry.of(job.mail_id, job.lane, _request(parameters), seal=self.seal)
        except InvalidInput:
            return Entry(job.mail_id, job.lane, to_payload(job.mail_id, to_text(parameters), self.seal))


def _request(parameters: Mapping[str, Any]) -> Request:
    return parse_password_reset(parameters[FIELD]) if is_password_reset(parameters) else parse(parameters)
