"""A mail that can be submitted: nothing is left to be found wrong with it before a connection is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.envelope import Envelope
    from tasks.smtp.route import Route


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    What `Preparation` makes of a mail.

    *notes* are sentences for the result's message; *resends_unknown* says that a second copy is preferred to
    none where the final dot gets no answer.
    """

    route: Route
    envelope: Envelope
    message_id: str
    notes: tuple[str, ...]
    resends_unknown: bool
