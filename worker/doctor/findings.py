"""What a check found: its name, how it stands, what is wrong, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    #: Could not be found out; the finding says what to do so that it can.
    UNKNOWN = "unknown"
    #: Worth mending; no mail is lost by it, and no secret shown.
    WARNING = "warning"
    #: Mail would be lost, or a secret shown, or nothing would work: in production the worker does not start.
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one check found about *subject*.

    *check* names the setting that it is about where there is one; *remedy* is the command or the setting that
    mends it, empty where nothing is to be mended. No field ever holds a secret.
    """

    check: str
    subject: str
    status: Status
    found: str
    remedy: str = ""

    @property
    def is_error(self) -> bool:
        """Whether a worker in production must not start with it."""
        return self.status is Status.ERROR

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to say about it when a worker starts."""
        return self.status is Status.OK
