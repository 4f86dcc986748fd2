from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure
from tasks.message.attachments import Attachment, AttachmentPolicy, load

if TYPE_CHECKING:
    from pathlib import Path

STORED = {hashlib.sha256(b"stored bytes").hexdigest(): b"stored bytes"}
REFERENCE = "stored:" + next(iter(STORED))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "sub" / "b.pdf").write_bytes(b"%PDF")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return folder


@pytest.fixture
def policy(root: Path) -> AttachmentPolicy:
    return AttachmentPolicy(roots=(root,))


def _refusal(names: list[str], policy: AttachmentPolicy) -> tuple[int, str]:
    with pytest.raises(PermanentFailure) as caught:
        load(names, policy, stored=STORED.get)
    return caught.value.reply.code, caught.value.reply.text


def test_a_relative_path_lies_below_a_root(policy: AttachmentPolicy) -> None:
    assert load(["a.txt", "sub//./b.pdf"], policy, stored=STORED.get) == (
        Attachment("a.txt", "text/plain", b"hello"),
        Attachment("b.pdf", "application/pdf", b"%PDF"),
    )


def test_an_absolute_path_may_point_into_a_root(policy: AttachmentPolicy, root: Path) -> None:
    (found,) = load([f"{root}/sub/b.pdf"], policy, stored=STORED.get)

    assert found.content == b"%PDF"


@pytest.mark.parametrize("spelled", ["link", "files"])
def test_an_absolute_path_may_spell_a_linked_root_either_way(root: Path, spelled: str) -> None:
    (root.parent / "link").symlink_to(root)

    (found,) = load(
        [f"{root.parent}/{spelled}/a.txt"], AttachmentPolicy((root.parent / "link",)), stored=STORED.get
    )

    assert found.content == b"hello"


def test_the_first_root_that_has_the_file_gives_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "only.txt").write_bytes(b"2")
    (tmp_path / "second" / "a.txt").write_bytes(b"other")

    found = load(["a.txt", "only.txt"], AttachmentPolicy((root, tmp_path / "second")), stored=STORED.get)

    assert [file.content for file in found] == [b"hello", b"2"]


def test_an_empty_file_is_taken(policy: AttachmentPolicy, root: Path) -> None:
    (root / "empty").touch()

    assert load(["empty"], policy, stored=STORED.get)[0].content == b""


def test_stored_bytes_are_found_by_their_digest_even_without_a_root() -> None:
    assert load([f"{REFERENCE}/ünï.txt"], AttachmentPolicy(), stored=STORED.get) == (
        Attachment("ünï.txt", "text/plain", b"stored bytes"),
    )


def test_damaged_bytes_are_not_sent() -> None:
    with pytest.raises(PermanentFailure, match="damaged"):
        load([f"{REFERENCE}/a.txt"], AttachmentPolicy(), stored=lambda _: b"other bytes")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.txt", "was not found"),
        ("none/a.txt", "was not found"),
        ("../secret.txt", "leave out the '..'"),
        ("sub/../../secret.txt", "leave out the '..'"),
        ("/etc/shadow", "outside"),
        ("/proc/self/environ", "outside"),
        ("sub", "not a regular file"),
        ("sub/", "not a regular file"),
        ("", "not a regular file"),
        ("http://example.com/a.txt", "is a URL"),
        ("file:///etc/passwd", "is a URL"),
        ("a\r\nX: y.txt", "cannot be sent"),
        ("a\0.txt", "cannot be sent"),
        ("a\0/b.txt", "cannot be sent"),
        ("..\\secret.txt", "cannot be sent"),
        ("\udcff.txt", "cannot be sent"),
        ("x" * 300, "255 bytes"),
        ("stored:" + "0" * 64 + "/a.txt", "no longer stored"),
        (f"{REFERENCE}/..", "cannot be sent"),
        (f"{REFERENCE}/sub/a.txt", "cannot be sent"),
    ],
    ids=ascii,
)
def test_what_may_not_be_sent_is_refused(policy: AttachmentPolicy, name: str, reason: str) -> None:
    code, text = _refusal([name], policy)

    assert code == LocalCode.ATTACHMENT
    assert reason in text
    assert text.isprintable()


def test_a_root_alone_is_no_file(policy: AttachmentPolicy, root: Path) -> None:
    assert "outside" in _refusal([str(root)], policy)[1]


def test_links_are_not_followed(policy: AttachmentPolicy, root: Path) -> None:
    (root / "leak").symlink_to(root.parent / "secret.txt")

    assert "links are not followed" in _refusal(["leak"], policy)[1]


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), OSError(errno.EIO, "disk")], ids=repr)
def test_what_the_system_refuses_cannot_be_read(
    policy: AttachmentPolicy, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(os, "open", refuse)

    assert "cannot be read" in _refusal(["a.txt"], policy)[1]


def test_a_disk_that_fails_while_it_is_read_is_no_crash(
    policy: AttachmentPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "disk")

    monkeypatch.setattr(os, "read", fail)

    assert "cannot be read" in _refusal(["a.txt"], policy)[1]


def test_without_a_root_the_setting_is_named() -> None:
    assert "POSTROOM_ATTACHMENT_ROOTS" in _refusal(["a.txt"], AttachmentPolicy())[1]


def test_all_problems_are_told_at_once_and_by_number(policy: AttachmentPolicy) -> None:
    _, text = _refusal(["/etc/shadow", "a.txt", "private/none.txt"], policy)

    assert text == (
        "Attachments: entry 1 lies outside the attachment folders (POSTROOM_ATTACHMENT_ROOTS); "
        "entry 3 was not found"
    )


@pytest.mark.parametrize("name", ["tool.exe", "TOOL.EXE", "tool.exe. ", f"{REFERENCE}/tool.exe"])
def test_a_blocked_suffix_is_against_the_policy(root: Path, name: str) -> None:
    code, text = _refusal([name], AttachmentPolicy((root,), blocked_suffixes=(".exe", ".JS")))

    assert code == LocalCode.POLICY
    assert "type" in text


def test_too_many_files_are_refused_before_any_is_opened(root: Path) -> None:
    assert "at most 2" in _refusal(["a.txt"] * 3, AttachmentPolicy((root,), max_count=2))[1]


@pytest.mark.parametrize(
    "names", [["a.txt", "a.txt", "a.txt"], ["a.txt", f"{REFERENCE}/b"]], ids=["files", "stored"]
)
def test_the_size_limit_holds_for_all_files_together(root: Path, names: list[str]) -> None:
    limited = AttachmentPolicy((root,), max_bytes=10)

    load(names[:2] if len(names) == 3 else names[:1], limited, stored=STORED.get)

    assert "too big" in _refusal(names, limited)[1]


def test_a_file_that_is_known_is_not_read_again(policy: AttachmentPolicy, root: Path) -> None:
    known: dict[str, Attachment] = {}
    first = load(["a.txt"], policy, stored=STORED.get, known=known)
    (root / "a.txt").unlink()

    assert load(["a.txt"], policy, stored=STORED.get, known=known) == first


@pytest.mark.parametrize("name", ["a.txt", f"{REFERENCE}/a.txt"], ids=["a path", "a reference"])
def test_a_file_that_is_known_is_weighed_for_each_mail(root: Path, name: str) -> None:
    known: dict[str, Attachment] = {}
    size = len(load([name], AttachmentPolicy((root,)), stored=STORED.get, known=known)[0].content)

    with pytest.raises(PermanentFailure, match="entry 2 is too big"):
        load([name, name], AttachmentPolicy((root,), max_bytes=2 * size - 1), stored=STORED.get, known=known)


def test_what_was_wrong_once_is_looked_at_again(policy: AttachmentPolicy, root: Path) -> None:
    known: dict[str, Attachment] = {}
    with pytest.raises(PermanentFailure):
        load(["late.txt"], policy, stored=STORED.get, known=known)
    (root / "late.txt").write_bytes(b"here")

    assert load(["late.txt"], policy, stored=STORED.get, known=known)[0].content == b"here"


def test_a_huge_sparse_file_is_weighed_and_never_read(policy: AttachmentPolicy, root: Path) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(1024**4)

    assert "at most 25 MiB" in _refusal(["huge"], policy)[1]


def test_neither_name_nor_content_is_in_a_repr() -> None:
    shown = repr(Attachment("salary.pdf", "application/pdf", b"secret"))

    assert "salary" not in shown
    assert "secret" not in shown
