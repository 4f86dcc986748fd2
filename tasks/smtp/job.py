"""A mail of a run while it is being carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.smtp.submission import hear_nothing

if TYPE_CHECKING:
    from tasks.failures import Answer
    from tasks.smtp.submission import Hear, Submission


class Job:
    """
    One mail of a run, and its answer, which *hear* is told of.

    *is_replayed* says that a kept connection was found dead when it began, *is_marked* that its dot may be
    out.
    """

    __slots__ = ("answer", "hear", "is_marked", "is_replayed", "submission")

    def __init__(self, submission: Submission, hear: Hear = hear_nothing) -> None:
        self.submission = submission
        self.hear = hear
        self.answer: Answer | None = None
        self.is_replayed = False
        self.is_marked = False

    def settle(self, answer: Answer) -> None:
        """Note the mail's answer, and tell it."""
        self.answer = answer
        self.hear(self.submission, answer)
