"""Password resets: whether whoever knows the users, and whoever issues the links, can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.password_reset.assembly import letters_of
from tasks.password_reset.letters import ResetLetters
from tasks.password_reset.ports import NOBODY, Unreachable, Unusable
from worker.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.settings import Settings

_CHECK: Final = "resets"
#: Seconds that each of the two may take.
_PATIENCE: Final = 5.0


def resets(settings: Settings) -> Iterator[Finding]:
    """Yield what is to be said about password resets; nothing where this worker sends none."""
    if not settings.resets.is_used:
        return
    try:
        letters = letters_of(settings.resets)
    except ValueError as wrong:
        setting, _, found = str(wrong).partition(": ")
        yield Finding(_CHECK, setting, Status.ERROR, found, f"correct {setting}")
        return
    if isinstance(letters, ResetLetters):
        yield _tried("directory", settings.resets.directory, letters.directory)
        yield _tried("issuer", settings.resets.issuer, letters.issuer)


def _tried(what: str, chosen: str, adapter: Any) -> Finding:
    subject = f"{what} {chosen}"
    try:
        return Finding(_CHECK, subject, Status.OK, _try(adapter))
    except Unusable as wrong:
        status = Status.ERROR if wrong.is_certain else Status.WARNING
        return Finding(_CHECK, subject, status, wrong.found, wrong.remedy)
    except Unreachable:
        remedy = "resets wait until it can; see that it runs"
        return Finding(_CHECK, subject, Status.WARNING, "cannot be reached now", remedy)
    except Exception as error:  # noqa: BLE001 (an operator's own class may do anything; its text may hold a secret)
        found = f"fails with {type(error).__name__} when it is tried"
        return Finding(_CHECK, subject, Status.ERROR, found, f"correct the class that {chosen} names")


def _try(adapter: Any) -> str:
    probe = getattr(adapter, "probe", None)
    if probe is not None:
        return str(probe(timeout=_PATIENCE))
    if not hasattr(adapter, "lookup"):
        return "there; it has no `probe` by which it could be tried"
    adapter.lookup(NOBODY, timeout=_PATIENCE)
    return "answers"
