"""Folders and files of the settings: there, readable for the worker, and for nobody else."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from tasks.journal.logbook.shelf import Shelf, Unusable
from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worker.settings import Settings


def folders(settings: Settings) -> Iterator[Finding]:
    """Yield what is to be said about attachment roots, the folder of CA bundles and that of logbooks."""
    for root in settings.attachment_roots:
        yield folder("attachment-roots", "POSTROOM_ATTACHMENT_ROOTS", root)
    if settings.ca_folder:
        yield folder("ca-folder", "POSTROOM_CA_FOLDER", settings.ca_folder)
    yield logbooks(settings.logbook_folder)


def folder(check: str, setting: str, path: Path) -> Finding:
    """Return what is to be said about a folder that messages name files of."""
    subject = f"{setting} {path}"
    if not path.is_dir():
        return Finding(check, subject, Status.WARNING, "there is no such folder", f"`mkdir -p {path}`")
    if not os.access(path, os.R_OK | os.X_OK):
        found = "the worker may not read it"
        return Finding(check, subject, Status.WARNING, found, "give it to the worker's user or group")
    if path.stat().st_mode & stat.S_IWOTH:
        found = "everybody on this machine may put files there, which can then be mailed or trusted"
        return Finding(check, subject, Status.ERROR, found, f"`chmod o-w {path}`")
    return Finding(check, subject, Status.OK, "there, and not for everybody to write")


def logbooks(path: Path | None) -> Finding:
    """Return whether what a killed worker process knew of its mails is found by the next one."""
    check, subject = "logbooks", f"POSTROOM_LOGBOOKS {path or 'off'}"
    if path is None:
        found = "none are kept: more mails are `unknown` after a worker's death"
        return Finding(check, subject, Status.WARNING, found, "leave POSTROOM_LOGBOOKS out, or name a folder")
    try:
        if not os.path.lexists(path):
            return Finding(check, subject, Status.OK, "made when a worker starts")
        Shelf(path, "").examine()
    except Unusable as unusable:
        remedy = "name a folder that is the worker's user's alone, or one that is to be made"
        return Finding(check, subject, Status.WARNING, str(unusable), remedy)
    return Finding(check, subject, Status.OK, "there, and for this user alone")


def secret_file(setting: str, path: Path, *, is_container: bool) -> Finding:
    """
    Return what is to be said about a file that holds a secret.

    In a container nobody else is there to read it, and runtimes mount secrets for everybody to read.
    """
    try:
        is_empty = not path.read_bytes().strip()
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        remedy = f"write it, and let only the worker's user read it: `chmod 400 {path}`"
        return Finding("secret-file", f"{setting} {path}", Status.ERROR, found, remedy)
    if is_empty:
        found = "is empty"
        return Finding("secret-file", f"{setting} {path}", Status.ERROR, found, f"write the secret to {path}")
    if not is_container and is_for_everybody(path):
        found = "everybody on this machine may read it"
        return Finding("secret-file", f"{setting} {path}", Status.ERROR, found, f"`chmod o-rwx {path}`")
    return Finding("secret-file", f"{setting} {path}", Status.OK, "readable, and not for everybody")


def is_for_everybody(path: Path) -> bool:
    """Whether every user of this machine can read the file: it is readable, and all its folders passable."""
    whole = path.resolve()
    return bool(whole.stat().st_mode & stat.S_IROTH) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents
    )
