"""Folders and secret files: there, readable, and not for everybody."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from worker.doctor.files import folder, logbooks, secret_file
from worker.doctor.findings import Status

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("mode", "status"), [(0o755, Status.OK), (0o757, Status.ERROR), (0o1777, Status.ERROR)]
)
def test_a_folder_that_everybody_may_write_to_is_refused(mode: int, status: Status, tmp_path: Path) -> None:
    root = tmp_path / "attachments"
    root.mkdir()
    root.chmod(mode)

    finding = folder("attachment-roots", "POSTROOM_ATTACHMENT_ROOTS", root)

    assert finding.status is status
    assert (f"chmod o-w {root}" in finding.remedy) is (status is Status.ERROR)


def test_a_folder_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    finding = folder("ca-folder", "POSTROOM_CA_FOLDER", tmp_path / "none")

    assert finding.status is Status.WARNING
    assert str(tmp_path / "none") in finding.subject


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that everybody may pass: pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        made.chmod(0o755)
        yield made


def write(path: Path, mode: int, text: str = "canary") -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_password_that_everybody_may_read_is_refused(passable: Path) -> None:
    finding = secret_file("P", write(passable / "password", 0o644), is_container=False)

    assert finding.status is Status.ERROR
    assert "chmod o-rwx" in finding.remedy
    assert "canary" not in repr(finding)


def test_a_password_of_its_owner_is_fine(passable: Path) -> None:
    assert secret_file("P", write(passable / "password", 0o600), is_container=False).is_fine


def test_a_folder_that_nobody_may_pass_protects_what_is_in_it(passable: Path) -> None:
    closed = passable / "secrets"
    closed.mkdir(mode=0o700)

    assert secret_file("P", write(closed / "password", 0o444), is_container=False).is_fine


def test_in_a_container_there_is_nobody_else(passable: Path) -> None:
    assert secret_file("P", write(passable / "password", 0o644), is_container=True).is_fine


@pytest.mark.parametrize("text", ["", " \n"], ids=["empty", "blank"])
def test_an_empty_password_is_refused(text: str, tmp_path: Path) -> None:
    assert secret_file("P", write(tmp_path / "p", 0o600, text), is_container=False).found == "is empty"


def test_a_password_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    finding = secret_file("P", tmp_path / "none", is_container=False)

    assert finding.status is Status.ERROR
    assert "No such file" in finding.found


def test_a_folder_for_logbooks_may_be_missing_and_is_not_made_by_looking(tmp_path: Path) -> None:
    finding = logbooks(tmp_path / "none")

    assert finding.is_fine
    assert not (tmp_path / "none").exists()


def test_a_folder_for_logbooks_that_is_this_users_alone_is_fine(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    assert logbooks(tmp_path).is_fine


def test_a_folder_for_logbooks_that_others_may_write_to_is_warned_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    finding = logbooks(tmp_path)

    assert (finding.check, finding.status) == ("logbooks", Status.WARNING)
    assert "others may write into" in finding.found
    assert "POSTROOM_LOGBOOKS" in finding.subject
    assert "chmod" not in finding.remedy, "it may be everybody's"


def test_doing_without_logbooks_is_warned_of() -> None:
    assert logbooks(None).status is Status.WARNING


def test_a_folder_for_logbooks_whose_name_is_too_long_is_no_traceback(tmp_path: Path) -> None:
    assert logbooks(tmp_path / ("x" * 5000)) is not None
