"""The demo itself: hand the mails in, watch them, find them where they were caught."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Final

from producers.client import Mailer
from producers.demo.mails import cases
from producers.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from producers.demo.mails import Case
    from producers.demo.processes import Process
    from producers.demo.stage import Stage
    from tasks.contract.status import MailStatus

_SETTLED_WITHIN: Final = 30.0
_PAUSE: Final = 0.05
_DYING: Final = 0.3


@dataclass(frozen=True, slots=True)
class Scene:
    """One mail of the demo: what it is, where it stands, and the file in which it was caught."""

    case: Case
    status: MailStatus
    caught: Path | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its result is there."""
        return self.status.result is not None

    @property
    def is_as_expected(self) -> bool:
        """Whether it ended as it should, and was caught if and only if it was sent."""
        result = self.status.result
        return (
            result is not None
            and self.case.is_met_by(success=result.success, code=result.code)
            and (self.caught is not None) == result.success
        )


def play(
    stage: Stage,
    processes: Sequence[Process],
    *,
    show: Callable[[Sequence[Scene]], None],
    pause: Callable[[float], None],
) -> list[Scene]:
    """
    Hand the mails in, *show* where they stand until all are settled, and return them; *pause* in between.

    Raises:
        ProcessFailed: one of *processes* died, or the worker, the last, did not settle them in time.
        QueueUnavailable: the queue went away, though the broker runs.
    """
    try:
        return _play(stage, processes, show, pause)
    except QueueUnavailable:
        # A broker that dies closes its connections before it can be seen to be dead.
        pause(_DYING)
        _check(processes)
        raise


def _play(
    stage: Stage,
    processes: Sequence[Process],
    show: Callable[[Sequence[Scene]], None],
    pause: Callable[[float], None],
) -> list[Scene]:
    with Mailer(stage.broker_url) as mailer:
        handed_in = [(case, mailer.enqueue(case.message)) for case in cases(stage.attachments)]
        last_moment = time.monotonic() + _SETTLED_WITHIN
        while True:
            scenes = [Scene(case, mailer.poll(mail_id)) for case, mail_id in handed_in]
            show(scenes)
            if all(scene.is_settled for scene in scenes):
                return _with_files(scenes, stage.caught)
            _check(processes)
            if time.monotonic() > last_moment:
                raise processes[-1].late(f"did not settle the mails within {_SETTLED_WITHIN:g} s")
            pause(_PAUSE)


def _check(processes: Sequence[Process]) -> None:
    for process in processes:
        process.check()


def _with_files(scenes: Sequence[Scene], folder: Path) -> list[Scene]:
    files = {_message_id(file): file for file in sorted(folder.glob("*.eml"))}
    return [
        Scene(scene.case, scene.status, files.get(result.message_id or ""))
        for scene in scenes
        if (result := scene.status.result)
    ]


def _message_id(file: Path) -> str:
    with file.open("rb") as content:
        return str(BytesHeaderParser().parse(content)["Message-ID"])
