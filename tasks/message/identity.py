"""What makes all attempts at a mail the same mail: its Message-ID and its Date."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[!-Z^-~]+\]")
_NO_DOMAIN = "postroom.invalid"


@dataclass(frozen=True, slots=True)
class Identity:
    """
    The Message-ID and the Date of a mail, equal in every attempt, so that receivers can drop a second copy.

    *message_id* has its angle brackets (RFC 5322, section 3.6.4); *date* is in UTC, in whole seconds.
    """

    message_id: str
    date: datetime

    @classmethod
    def of(cls, mail_id: str, accepted_at: datetime, domain: str) -> Identity:
        """
        Derive the identity of the mail *mail_id* that was accepted at *accepted_at* (UTC where it is naive).

        Any string is a mail id. Only its digest is shown: whoever reads the mail does not learn the id by
        which its result is looked up.
        """
        digest = hashlib.blake2b(mail_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        host = domain if _DOMAIN.fullmatch(domain) else _NO_DOMAIN
        return cls(f"<{digest}@{host}>", _in_utc(accepted_at))


def _in_utc(moment: datetime) -> datetime:
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=0)
