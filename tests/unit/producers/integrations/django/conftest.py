"""Django, set up for this process, with a client that keeps what is handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="for tests",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        POSTROOM={"BROKER_URL": "redis://127.0.0.1:1/0"},
        EMAIL_BACKEND="producers.integrations.django.EmailBackend",
        ADMINS=[("Admin", "admin@example.org")],
        MANAGERS=[],
    )
    django.setup()

from producers.integrations.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from producers.integrations.failures import PostroomError, Refused
    from producers.integrations.mails import Letter


@dataclass
class Post:
    """What was handed in; *answers* in place of ids, and a *failure* after so many letters."""

    letters: list[Letter] = field(default_factory=list)
    calls: int = 0
    answers: dict[int, Refused] = field(default_factory=dict)
    failure: PostroomError | None = None
    fails_after: int = 0

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the only letter."""
        [letter] = self.letters
        return letter.fields

    def hand_in(self, letters: Sequence[Letter]) -> Iterator[str | Refused]:
        self.calls += 1
        for number, letter in enumerate(letters):
            if self.failure and number >= self.fails_after:
                raise self.failure
            self.letters.append(letter)
            yield self.answers.get(number, f"id-{len(self.letters)}")


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    post = Post()
    monkeypatch.setattr(Client, "hand_in", lambda _, letters: post.hand_in(letters))
    return post
