"""The files that go with a mail: from the worker's folders, or stored by whoever enqueued it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure, Reply
from tasks.message import files
from tasks.message.content_types import content_type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_MIB: Final = 1024 * 1024
_STORED: Final = re.compile(r"stored:([0-9a-f]{64})/(.+)", re.DOTALL)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:file|data|https?|ftp):", re.IGNORECASE)
#: Nothing that could end a header, nothing that a reader's program could take for a path.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\/]")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail: its name without folders, its content type, its bytes."""

    name: str = field(repr=False)
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AttachmentPolicy:
    """
    Where attachments may lie, and how much of them a mail may have.

    *max_bytes* counts all attachments of a mail together, before base64; *blocked_suffixes* such as ".exe"
    are compared without regard to case.
    """

    roots: tuple[Path, ...] = ()
    max_bytes: int = 25 * _MIB
    max_count: int = 20
    blocked_suffixes: tuple[str, ...] = ()


class _Refused(Exception):
    def __init__(self, text: str, code: LocalCode = LocalCode.ATTACHMENT) -> None:
        super().__init__(text)
        self.code = code


def load(
    names: Sequence[str],
    policy: AttachmentPolicy,
    *,
    stored: Callable[[str], bytes | None],
    known: dict[str, Attachment] | None = None,
) -> tuple[Attachment, ...]:
    """
    Return the attachments *names*: paths below the roots of *policy*, or references to stored bytes.

    *stored* gives the bytes with a SHA-256, or None. *known* are the files by name that were loaded for mails
    which are made ready together with this one; what it lacks is added, so that they read no file twice.
    Raises `PermanentFailure` with everything that is wrong with any of them; files go by their number, never
    by their name.
    """
    if len(names) > policy.max_count:
        raise _failure([_Refused(f"there are {len(names)} files; at most {policy.max_count} may be sent")])
    found: list[Attachment] = []
    problems: list[_Refused] = []
    known = {} if known is None else known
    left = policy.max_bytes
    for number, name in enumerate(names, start=1):
        try:
            attachment = known.get(name) or _load(name, policy, stored, left)
            # What is known was weighed for another mail, if it was.
            _weigh(len(attachment.content), left, policy)
        except (_Refused, files.Unreadable) as error:
            code = error.code if isinstance(error, _Refused) else LocalCode.ATTACHMENT
            # By its number: results are read by people and monitors that must not see what mails carry.
            problems.append(_Refused(f"entry {number} {error}", code))
        else:
            known[name] = attachment
            left -= len(attachment.content)
            found.append(attachment)
    if problems:
        raise _failure(problems)
    return tuple(found)


def _load(
    name: str, policy: AttachmentPolicy, stored: Callable[[str], bytes | None], left: int
) -> Attachment:
    reference = _STORED.fullmatch(name)
    base = reference[2] if reference else _checked(name).rpartition("/")[2]
    _judge(base, policy)
    content = _stored(reference[1], stored) if reference else _from_roots(name, policy, left)
    return Attachment(base, content_type_of(base), content)


def _judge(base: str, policy: AttachmentPolicy) -> None:
    if _UNSAFE.search(base) or base in {".", ".."}:
        raise _Refused("has a name that cannot be sent; rename it")
    if len(base.encode()) > _LONGEST_NAME:
        raise _Refused(f"has a name of more than {_LONGEST_NAME} bytes; rename it")
    # Windows drops dots and spaces at the end of a name, and runs what is left.
    if base.rstrip(". ").lower().endswith(tuple(suffix.lower() for suffix in policy.blocked_suffixes)):
        raise _Refused("is of a type that may not be sent", LocalCode.POLICY)


def _stored(digest: str, stored: Callable[[str], bytes | None]) -> bytes:
    content = stored(digest)
    if content is None:
        raise _Refused("is no longer stored; store it again and enqueue the mail anew")
    if hashlib.sha256(content).hexdigest() != digest:
        raise _Refused("was damaged in the store; store it again and enqueue the mail anew")
    return content


def _checked(name: str) -> str:
    if _URL.match(name):
        raise _Refused("is a URL; it must be a file in an attachment folder")
    if "\0" in name:
        raise _Refused("has a name that cannot be sent; rename it")
    if ".." in name.split("/"):
        raise _Refused("leads out of the attachment folders; leave out the '..'")
    if name.endswith(("/", "/.")) or name in {"", "."}:
        raise _Refused("is not a regular file")
    return name


def _from_roots(name: str, policy: AttachmentPolicy, left: int) -> bytes:
    if not policy.roots:
        raise _Refused("has no folder to lie in; the worker's operator must set POSTROOM_ATTACHMENT_ROOTS")
    missing: files.Missing | None = None
    for root, components in _places(name, policy.roots):
        try:
            with files.opened(root, components) as file:
                size = os.fstat(file).st_size
                _weigh(size, left, policy)
                return files.read(file, size)
        except files.Missing as error:
            missing = error
        except OSError as error:
            raise _Refused("cannot be read") from error
    raise missing or _Refused("lies outside the attachment folders (POSTROOM_ATTACHMENT_ROOTS)")


def _places(name: str, roots: tuple[Path, ...]) -> Iterator[tuple[Path, list[str]]]:
    """Yield each root with the components of *name* below it, if it is below it."""
    components = [component for component in name.split("/") if component not in {"", "."}]
    for root in roots:
        if not name.startswith("/"):
            yield root, components
            continue
        for spelling in dict.fromkeys((os.path.normpath(root), os.path.realpath(root))):
            above = [component for component in spelling.split("/") if component]
            if len(components) > len(above) and components[: len(above)] == above:
                yield root, components[len(above) :]


def _weigh(size: int, left: int, policy: AttachmentPolicy) -> None:
    if size > left:
        raise _Refused(
            f"is too big; all attachments together may have at most {policy.max_bytes / _MIB:g} MiB"
        )


def _failure(problems: list[_Refused]) -> PermanentFailure:
    only_policy = all(problem.code is LocalCode.POLICY for problem in problems)
    code = LocalCode.POLICY if only_policy else LocalCode.ATTACHMENT
    return PermanentFailure(Reply(code, "Attachments: " + "; ".join(map(str, problems))))
