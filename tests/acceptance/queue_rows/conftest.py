"""Post offices whose Redis belongs to the test, which may do to it what it likes."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tasks.testing.script import Script
from tasks.testing.server import ScriptedServer
from tests.acceptance.post_office import PostOffice
from tests.acceptance.queue_rows.ill_office import IllOffice
from tests.servers.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scoreboard import Scoreboard

_MEMORY = Path("/dev/shm")  # noqa: S108 (only asked for; mkdtemp below makes the folder)


class OpenOffice(Protocol):
    """Opens an office on a Redis with these options."""

    def __call__(
        self, *options: str, folder: Path | None = None, program: str | None = None, **environment: str
    ) -> IllOffice: ...


@pytest.fixture
def redis_folder(tmp_path: Path) -> Iterator[Path]:
    """
    A folder in memory where there is one.

    Redis holds a write to its file back while the disk is busy, for up to two seconds, and answers all the
    same; a kill then loses what it answered. That is the loss of acknowledged writes that the documents
    except (row R9), and must not depend here on what else the disk has to do.
    """
    is_there = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    folder = Path(tempfile.mkdtemp(dir=_MEMORY if is_there else tmp_path))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_office(
    request: pytest.FixtureRequest, redis_folder: Path, tmp_path: Path, scoreboard: Scoreboard
) -> Iterator[OpenOffice]:
    """Open offices whose mail server follows the script of the test's mark `smtpd`."""
    with ExitStack() as opened:

        def open_one(
            *options: str, folder: Path | None = None, program: str | None = None, **environment: str
        ) -> IllOffice:
            marker = request.node.get_closest_marker("smtpd")
            redis = RedisServer(folder or redis_folder, *options, environment=environment, program=program)
            opened.enter_context(redis)
            server = opened.enter_context(ScriptedServer(Script(**(marker.kwargs if marker else {}))))
            office = PostOffice(redis.url, server, tmp_path, is_hurried=False)
            opened.callback(office.close)
            opened.callback(redis.thaw)
            return IllOffice(office, redis, scoreboard)

        yield open_one
