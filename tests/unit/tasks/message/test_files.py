from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasks.message.files import Missing, Unreadable, opened, read

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "sub" / "b.txt").write_bytes(b"below")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
    return folder


def _content(root: Path, *components: str) -> bytes:
    with opened(root, components) as file:
        return read(file, os.fstat(file).st_size)


def test_a_file_below_the_root_is_read(root: Path) -> None:
    assert _content(root, "a.txt") == b"hello"
    assert _content(root, "sub", "b.txt") == b"below"


def test_the_root_itself_may_be_a_link(root: Path) -> None:
    (root.parent / "link").symlink_to(root)

    assert _content(root.parent / "link", "a.txt") == b"hello"


@pytest.mark.parametrize("components", [("none.txt",), ("none", "a.txt"), ("a.txt", "b.txt")])
def test_what_is_not_there_is_missing(root: Path, components: tuple[str, ...]) -> None:
    with pytest.raises(Missing, match="was not found"):
        _content(root, *components)


def test_no_link_is_followed(root: Path) -> None:
    (root / "file").symlink_to(root.parent / "outside" / "secret.txt")
    (root / "inside").symlink_to(root / "a.txt")
    (root / "folder").symlink_to(root.parent / "outside")

    for components in (("file",), ("inside",), ("folder", "secret.txt")):
        with pytest.raises(Unreadable, match="links are not followed"):
            _content(root, *components)


def test_a_link_that_vanishes_while_it_is_judged_is_no_crash(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(*_: object, **__: object) -> os.stat_result:
        raise FileNotFoundError

    (root / "link").symlink_to(root / "a.txt")
    monkeypatch.setattr(os, "stat", vanished)

    with pytest.raises(Unreadable, match="cannot be read"):
        _content(root, "link")


@pytest.mark.timeout(5)
def test_only_regular_files_are_read_and_none_is_waited_for(root: Path) -> None:
    os.mkfifo(root / "fifo")
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)

    for components in (("fifo",), ("socket",), ("sub",)):
        with pytest.raises(Unreadable, match="not a regular file"):
            _content(root, *components)


def test_a_device_is_not_read() -> None:
    with pytest.raises(Unreadable, match="not a regular file"):
        _content(Path("/dev"), "zero")


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _shrink(path: Path) -> None:
    os.truncate(path, 2)


def _rewrite(path: Path) -> None:
    path.write_bytes(b"HELLO")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [_grow, _shrink])
def test_a_file_that_changes_after_it_was_weighed_is_refused(
    root: Path, change: Callable[[Path], None]
) -> None:
    with opened(root, ("a.txt",)) as file:
        size = os.fstat(file).st_size
        change(root / "a.txt")

        with pytest.raises(Unreadable, match="changed while it was read"):
            read(file, size)


def test_a_file_that_is_rewritten_while_it_is_read_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.read

    def read_then_rewrite(file: int, size: int) -> bytes:
        data = real(file, size)
        _rewrite(root / "a.txt")
        return data

    with opened(root, ("a.txt",)) as file:
        monkeypatch.setattr(os, "read", read_then_rewrite)

        with pytest.raises(Unreadable, match="changed while it was read"):
            read(file, 5)


def test_no_descriptor_stays_open(root: Path) -> None:
    before = os.open(root, os.O_RDONLY)
    os.close(before)
    for components in (("a.txt",), ("sub", "b.txt"), ("none",), ("sub",), ("sub", "none")):
        with suppress(Unreadable):
            _content(root, *components)

    # The system gives out the lowest number that is free.
    after = os.open(root, os.O_RDONLY)
    os.close(after)
    assert after == before
