"""Logbooks: found only when their processes are dead, and believed only where they can be."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tasks.journal.logbook import shelf as module
from tasks.journal.logbook.shelf import Book, Shelf, Unusable

if TYPE_CHECKING:
    from pathlib import Path


def found(shelf: Shelf) -> list[Path]:
    return [book.path for book in shelf.left()]


def read(book: Book) -> bytes:
    return book.path.read_bytes().partition(b"\n")[2]


def test_a_logbook_is_found_once_its_process_is_dead_and_not_before(shelf: Shelf) -> None:
    book = shelf.start(b"take m 1 \n")
    assert found(shelf) == []

    os.close(book.descriptor)

    assert found(shelf) == [book.path]
    assert read(book) == b"take m 1 \n"


def test_the_lock_of_a_process_that_is_killed_ends_with_it(shelf: Shelf) -> None:
    child = os.fork()
    if not child:
        shelf.start(b"take m 1 \n")
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    assert len(found(shelf)) == 1


def test_two_who_clean_up_do_not_get_the_same_logbook(shelf: Shelf) -> None:
    os.close(shelf.start().descriptor)
    first = shelf.left()

    assert next(first)
    assert found(shelf) == []


def test_a_logbook_that_was_cleaned_up_between_the_look_and_the_lock_is_not_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.close(shelf.start(b"take m 1 \n").descriptor)
    lock = module._locked  # noqa: SLF001 (somebody else is to be quicker just before it)

    def too_late(path: Path) -> Book | None:
        book = lock(path)
        path.unlink()
        return book

    monkeypatch.setattr(module, "_locked", too_late)

    assert found(shelf) == []


def test_a_logbook_that_was_begun_anew_is_the_only_one_and_still_locked(shelf: Shelf) -> None:
    old = shelf.start(b"old\n")
    new = shelf.start(b"new\n", instead_of=old.path)
    assert not old.is_in_place()
    os.close(old.descriptor)

    assert found(shelf) == []
    assert new.path == old.path
    assert read(new) == b"new\n"
    os.close(new.descriptor)


def test_journals_have_logbooks_of_their_own_whatever_their_passwords(folder: Path, shelf: Shelf) -> None:
    os.close(shelf.start().descriptor)

    assert len(found(Shelf(folder, "redis://:secret@redis.example/0"))) == 1
    assert found(Shelf(folder, "redis://redis.example/1")) == []
    assert found(Shelf(folder, "redis://other.example/0")) == []


def test_a_folder_is_made_for_this_user_alone(folder: Path, shelf: Shelf) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    book = shelf.start()
    assert book.path.stat().st_mode & 0o777 == 0o600
    os.close(book.descriptor)


def test_a_folder_into_which_others_may_write_is_not_used(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(Unusable, match="others may write into"):
        Shelf(folder, "redis://h/0").open()


def test_a_link_in_the_place_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Unusable, match="no folder of this user's own"):
        Shelf(folder, "redis://h/0").open()


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.write_text("")

    with pytest.raises(Unusable, match="cannot be made"):
        Shelf(folder, "redis://h/0").open()


def test_without_an_id_of_the_machines_start_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BOOT", folder / "none")

    with pytest.raises(Unusable, match="does not say when it was started"):
        Shelf(folder, "redis://h/0").open()


def test_a_logbook_that_cannot_be_begun_leaves_nothing_behind(
    folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.os, "write", lambda _descriptor, text: len(text) - 1)

    with pytest.raises(OSError, match="could not be written to its end"):
        shelf.start(b"take m 1 \n")

    assert list(folder.iterdir()) == []


def test_what_is_forgotten_is_removed_and_what_is_used_is_not(folder: Path, shelf: Shelf) -> None:
    left, used, young = shelf.start(), shelf.start(), shelf.start()
    (folder / ".half.new").write_text("")
    (folder / "notes.txt").write_text("")
    long_ago = time.time() - 30 * 24 * 3600
    for path in (left.path, used.path, folder / ".half.new", folder / "notes.txt"):
        os.utime(path, (long_ago, long_ago))
    os.close(left.descriptor)

    shelf.tidy()

    assert set(folder.iterdir()) == {used.path, young.path, folder / "notes.txt"}
    os.close(used.descriptor)
    os.close(young.descriptor)
