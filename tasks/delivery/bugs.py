"""A mail that met a bug of this program: what its result says, and what the log does."""

from __future__ import annotations

import logging
import traceback

from tasks.contract.codes import LocalCode
from tasks.failures import PermanentFailure, Reply

logger = logging.getLogger(__name__)


def internal_failure() -> PermanentFailure:
    """Return the failure of a mail that met a bug of this program."""
    return PermanentFailure(
        Reply(LocalCode.INTERNAL, "an internal error; the worker's log has it under this mail's id")
    )


def log_bug(error: BaseException, mail_id: str) -> None:
    """Log where *error* happened; not its text, which may quote what the mail says."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
    logger.error("internal error", extra={"mail_id": mail_id, "error": type(error).__name__, "where": where})
