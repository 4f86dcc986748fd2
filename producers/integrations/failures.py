"""
What can go wrong between a web application and Postroom.

```
PostroomError
├── Misconfigured   the settings cannot work
├── Refused         a mail cannot be accepted as it is
├── Unavailable     queue or gateway did not answer in time
└── NoSuchMail      nobody has handed in a mail of this id, or its result is forgotten
```
"""

from __future__ import annotations


class PostroomError(Exception):
    """The base of everything that is raised here."""


class Misconfigured(PostroomError):
    """The settings cannot work; the text says which, and what to do."""


class Refused(PostroomError, ValueError):
    """A mail that cannot be accepted: *problems* has a sentence for everything that is wrong with it."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return " | ".join(self.problems)


class Unavailable(PostroomError):
    """
    Queue or gateway did not answer in time.

    The mail was not accepted, or the answer was lost: with an idempotency key a repeat is safe either way.
    """


class NoSuchMail(PostroomError):
    """The gateway knows no mail of this id that was handed in with this API key, or no longer."""
