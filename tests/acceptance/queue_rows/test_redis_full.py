"""Redis has no room left, in memory or on its disk (rows R7 and R8)."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tasks.testing.actions import Pause
from tests import sizes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.queue_rows.conftest import OpenOffice

pytestmark = [pytest.mark.rounds(1), pytest.mark.timeout(3600)]

SLOW = pytest.mark.smtpd(data=Pause(0.05))
SLOTS = 8
#: Seconds that Redis stays full.
FULL = 4.0


@SLOW
def test_r7_a_full_memory_refuses_new_mail_at_once_and_keeps_what_was_accepted(
    open_office: OpenOffice,
) -> None:
    ill = open_office()
    worker = ill.open()
    for _ in range(sizes.scaled(5)):
        ill.amid(60)
        main = worker.main
        with ill.redis.client() as client:
            client.config_set("maxmemory", 1_000_000)
            assert ill.refuses(most=1.5)
            time.sleep(FULL)
            client.config_set("maxmemory", 0)
        ill.resumes(time.monotonic())
        assert worker.main == main, "the worker exited"
    ill.judge(unknown=sizes.scaled(5) * SLOTS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(  # noqa: S603 (our own line)
        ["/bin/mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system that can be filled")
    yield folder
    subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)  # noqa: S603


def fill(folder: Path) -> Path:
    """Fill a file system to its last byte; return the file that does."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 65536
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return filler


@SLOW
@pytest.mark.parametrize("sync", ["everysec", "always"][: sizes.scaled(2)])
def test_r8_a_full_disk_refuses_new_mail_and_keeps_what_was_accepted(
    open_office: OpenOffice, small_disk: Path, sync: str
) -> None:
    """With `always` Redis itself ends; it is started again once there is room."""
    ill = open_office("--appendfsync", sync, folder=small_disk)
    ill.open()
    for _ in range(sizes.scaled(5)):
        ill.amid(60)
        filler = fill(small_disk)
        ill.wait_until(lambda: ill.refuses(most=6.5), "a refusal")
        time.sleep(FULL)
        filler.unlink()
        if not ill.redis.is_running:
            ill.redis.start()
        ill.wait_until(lambda: not ill.refuses(most=6.5), "room again")
        ill.resumes(time.monotonic())
    ill.judge(unknown=sizes.scaled(5) * SLOTS)
