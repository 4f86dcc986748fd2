"""The demo itself: hand the mails in, watch them, find them where they were caught."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING, Final

from producers.client import Mailer
from producers.demo.mails import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from producers.demo.mails import Case
    from producers.demo.processes import Process
    from producers.demo.stage import Stage
    from tasks.contract.status import MailStatus

_SETTLED_WITHIN: Final = 30.0
_PAUSE: Final = 0.05


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


def play(stage: Stage, worker: Process, show: Callable[[Sequence[Scene]], None]) -> list[Scene]:
    """
    Hand the mails in, *show* where they stand until all are settled, and return them.

    Raises:
        ProcessFailed: the worker died, or did not settle them in time.
        QueueUnavailable: the broker went away.
    """
    with Mailer(stage.broker_url) as mailer:
        handed_in = [(case, mailer.enqueue(case.message)) for case in cases(stage.attachments)]
        last_moment = time.monotonic() + _SETTLED_WITHIN
        while True:
            scenes = [Scene(case, mailer.poll(mail_id)) for case, mail_id in handed_in]
            show(scenes)
            if all(scene.is_settled for scene in scenes):
                return _with_files(scenes, stage.caught)
            worker.check()
            if time.monotonic() > last_moment:
                raise worker.late(f"did not settle the mails within {_SETTLED_WITHIN:g} s")
            time.sleep(_PAUSE)


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
