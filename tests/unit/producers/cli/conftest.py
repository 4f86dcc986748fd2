"""A queue made of lists, and the command line run in this process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from producers.batches import Batch, HandedIn, Refused
from producers.cli import connection
from producers.cli.main import main
from producers.errors import AlreadyOnItsWay, MailNotFound, WaitTimeout
from tasks.contract.errors import InvalidInput
from tasks.contract.result import Delivery, SendEmailResult
from tasks.contract.status import MailState, MailStatus
from tasks.contract.validation import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


def status_of(mail_id: str, state: MailState) -> MailStatus:
    if not state.is_terminal:
        return MailStatus(mail_id=mail_id, state=state)
    result = SendEmailResult(
        success=state is MailState.SENT,
        code=250 if state is MailState.SENT else 550,
        message="said the server",
        delivery=Delivery.SENT if state is MailState.SENT else Delivery.NOT_SENT,
        retryable=False,
        source="server",
    )
    return MailStatus(mail_id=mail_id, state=state, code=result.code, message=result.message, result=result)


@dataclass
class FakeMailer:
    """What the commands need of a `Mailer`; mails stand as *states* says, `id-1` and so on else queued."""

    states: dict[str, MailState] = field(default_factory=dict)
    messages: list[Mapping[str, object]] = field(default_factory=list)
    options: list[dict[str, object]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    resent: list[tuple[str, Mapping[str, object], bool]] = field(default_factory=list)
    failure: BaseException | None = None
    fails_after: int = 0
    cancelled: list[str] = field(default_factory=list)
    refuses: InvalidInput | None = None

    def enqueue(self, message: Mapping[str, object], /, **options: object) -> str:
        self._fail_if_due()
        parse(message)
        self.messages.append(message)
        self.options.append(options)
        return f"id-{len(self.messages)}"

    def enqueue_many(self, messages: Sequence[Mapping[str, object]], **options: object) -> Batch:
        ids: list[str | None] = []
        refused = []
        for index, message in enumerate(messages):
            try:
                ids.append(self.enqueue(message, **options))
            except InvalidInput as error:
                ids.append(None)
                refused.append(Refused(index, error))
        return Batch(tuple(ids), tuple(refused))

    def enqueue_each(
        self, messages: Iterable[Mapping[str, object] | InvalidInput], **options: object
    ) -> Iterator[HandedIn]:
        for index, message in enumerate(messages):
            try:
                if isinstance(message, InvalidInput):
                    raise message
                yield HandedIn(index, self.enqueue(message, **options))
            except InvalidInput as error:
                yield HandedIn(index, error=error)

    def poll(self, mail_id: str) -> MailStatus:
        known = {f"id-{number}": MailState.QUEUED for number in range(1, len(self.messages) + 1)}
        states = known | self.states
        if mail_id not in states:
            raise MailNotFound(mail_id)
        return status_of(mail_id, states[mail_id])

    def wait(self, mail_id: str, *, timeout: float) -> SendEmailResult:
        self.waits.append(timeout)
        if isinstance(self.failure, KeyboardInterrupt):
            raise self.failure
        status = self.poll(mail_id)
        if status.result is None:
            raise WaitTimeout(status)
        return status.result

    def cancel(self, mail_id: str) -> MailStatus:
        if self.failure and len(self.cancelled) >= self.fails_after:
            raise self.failure
        self.cancelled.append(mail_id)
        status = self.poll(mail_id)
        if status.state is MailState.SENDING:
            raise AlreadyOnItsWay(status)
        if status.state is MailState.QUEUED:
            self.states[mail_id] = MailState.CANCELLED
        return self.poll(mail_id)

    def resend(self, mail_id: str, message: Mapping[str, object], /, *, force: bool) -> MailStatus:
        self._fail_if_due()
        parse(message)
        self.resent.append((mail_id, message, force))
        self.states.setdefault(mail_id, MailState.QUEUED)
        return status_of(mail_id, MailState.QUEUED)

    def store_attachment(self, path: Path) -> str:
        if self.refuses:
            raise self.refuses
        self.stored.append(path.read_text())
        return f"stored:{'0' * 64}/{path.name}"

    def _fail_if_due(self) -> None:
        is_due = len(self.messages) >= self.fails_after
        if self.failure and is_due and not isinstance(self.failure, KeyboardInterrupt):
            raise self.failure


@pytest.fixture
def mailer(monkeypatch: pytest.MonkeyPatch) -> FakeMailer:
    fake = FakeMailer()

    @contextmanager
    def lend(*_: object) -> Iterator[FakeMailer]:
        yield fake

    monkeypatch.setattr(connection, "mailer", lend)
    return fake


@pytest.fixture
def postroom(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Run a command line; give its exit code, its standard output (parsed for --json) and its errors."""

    def run(*arguments: str) -> tuple[int, Any, str]:
        code = main(list(arguments))
        output = capsys.readouterr()
        return code, json.loads(output.out) if "--json" in arguments else output.out, output.err

    return run
