"""Files that vanish, disks that are full, logs that nobody takes (rows D1 to D3)."""

from __future__ import annotations

import os
import resource
import threading
from typing import TYPE_CHECKING

import pytest

from tasks.contract.result import Delivery
from tests.acceptance import processes
from tests.acceptance.oracle import examine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.acceptance.post_office import PostOffice

SECRET = b"another program's secret"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder of attachments, with a secret beside it."""
    (tmp_path / "secret").write_bytes(SECRET)
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.mark.rounds(3)
def test_d1_files_are_sent_as_they_are_when_the_mail_is_sent_or_not_at_all(
    office: PostOffice, files: Path
) -> None:
    ids = {}
    for name in ("vanishes", "grows", "leads-away"):
        (files / name).write_bytes(b"at first")
        [ids[name]] = office.enqueue(attachments=[name])
    (files / "vanishes").unlink()
    (files / "grows").write_bytes(b"at first, and then more")
    (files / "leads-away").unlink()
    (files / "leads-away").symlink_to("../secret")
    office.open(POSTROOM_ATTACHMENT_ROOTS=str(files))
    findings = examine(office)

    findings.hold()
    codes = {name: findings.results[mail_id].code for name, mail_id in ids.items()}
    assert codes == {"vanishes": 601, "grows": 250, "leads-away": 601}
    assert not any(SECRET in mail.content for mail in office.server.dots)


@pytest.fixture
def swapped(files: Path) -> Iterator[str]:
    """A file that becomes a link to the secret and a file again, without end."""
    (files / "right").write_bytes(b"the right file")
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.wait(0.0005):
            for target in ("../secret", "right"):
                (files / "link").symlink_to(target)
                (files / "link").rename(files / "swapped")

    thread = threading.Thread(target=swap)
    thread.start()
    yield "swapped"
    stopped.set()
    thread.join()


@pytest.mark.rounds(3)
def test_d1_a_link_that_is_swapped_while_files_are_read_leads_nowhere(
    office: PostOffice, files: Path, swapped: str
) -> None:
    office.enqueue(60, attachments=[swapped])
    office.open(POSTROOM_ATTACHMENT_ROOTS=str(files))
    findings = examine(office)

    findings.hold()
    assert {result.code for result in findings.results.values()} <= {250, 601}
    assert not any(SECRET in mail.content for mail in office.server.dots)


@pytest.mark.rounds(1)
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits other processes")
def test_d2_mails_are_sent_although_no_file_can_be_written(office: PostOffice, tmp_path: Path) -> None:
    """With a limit of no bytes to a file, every write to any disk fails; the log's, too."""
    stored = office.mailer.store_bytes(os.urandom(100_000), name="file.bin")
    worker = office.open(POSTROOM_HEARTBEAT_FILE=str(tmp_path / "none" / "alive"))
    office.enqueue()
    office.wait_until(office.is_idle, "the worker")
    for process in processes.session(worker.process.pid):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
    logged = worker.log.stat().st_size
    office.enqueue(50, attachments=[stored])
    findings = examine(office)

    findings.hold()
    assert len(findings.of(Delivery.SENT)) == len(office.accepted)
    assert worker.log.stat().st_size == logged


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.rounds(1)
@pytest.mark.parametrize("log", [closed_pipe, full_disk])
def test_d3_mails_are_sent_although_nobody_takes_the_log(office: PostOffice, log: Callable[[], int]) -> None:
    output = log()
    office.enqueue(50)
    worker = office.open(output=output, supervised=True)
    os.close(output)
    office.wait_until(office.is_idle, "the mails")
    worker.process.terminate()

    assert worker.process.wait(timeout=10) == 0
    office.open()
    findings = examine(office)
    findings.hold()
    assert len(findings.of(Delivery.SENT)) == len(office.accepted)
