"""A mail of a run while it is being carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.failures import Answer
    from tasks.smtp.submission import Submission


class Job:
    """
    One mail of a run, and its answer.

    *is_replayed* says that a kept connection was found dead when it began, *is_marked* that its dot may be
    out.
    """

    __slots__ = ("answer", "is_marked", "is_replayed", "submission")

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.answer: Answer | None = None
        self.is_replayed = False
        self.is_marked = False
