"""The catcher's folder, with what may lie in it."""

from __future__ import annotations

import os
from mailbox import Maildir
from typing import TYPE_CHECKING

import pytest

from producers.web.inbox.folder import Folder, Gone

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    Maildir(tmp_path / "mail", create=True)
    return Folder(tmp_path / "mail")


def put(folder: Folder, name: str, *, at: float, content: bytes = b"Subject: s\r\n\r\nb") -> Path:
    file = folder.path / name
    file.write_bytes(content)
    os.utime(file, (at, at))
    return file


def test_mails_come_newest_first_from_everywhere_that_catchers_put_them(folder: Folder) -> None:
    put(folder, "new/1.M1P1.host", at=1)
    put(folder, "cur/2.M1P1.host:2,S", at=3)
    put(folder, "3.eml", at=2)
    put(folder, "3.txt", at=4)
    put(folder, "tmp/4", at=5)

    assert [entry.name for entry in folder.entries()] == ["2.M1P1.host:2,S", "3.eml", "1.M1P1.host"]


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert Folder(tmp_path / "nowhere").entries() == []


def test_links_pipes_and_folders_are_passed_over(folder: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (folder.path / "new" / "link").symlink_to(secret)
    (folder.path / "new" / "folder").mkdir()
    os.mkfifo(folder.path / "new" / "pipe")

    assert folder.entries() == []
    for name in ("link", "folder", "pipe"):
        with pytest.raises(Gone):
            folder.find(name)


@pytest.mark.parametrize("name", ["..", "../secret", "/etc/passwd", "", ".hidden", "new", "x\x00"])
def test_a_name_leads_only_to_what_is_listed(folder: Folder, name: str) -> None:
    put(folder, "new/.hidden", at=1)

    with pytest.raises(Gone):
        folder.find(name)


def test_a_mail_that_turns_into_a_link_or_a_pipe_is_not_read(folder: Folder, tmp_path: Path) -> None:
    file = put(folder, "new/1", at=1)
    entry = folder.find("1")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(Gone):
        folder.read(entry)
    file.unlink()
    os.mkfifo(file)

    with pytest.raises(Gone):
        folder.read(entry)


def test_a_large_mail_is_read_as_far_as_asked_for(folder: Folder) -> None:
    put(folder, "new/1", at=1, content=b"x" * 1000)

    assert folder.read(folder.find("1"), most=100) == b"x" * 100
