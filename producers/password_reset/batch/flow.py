"""When a job stops itself: because nobody can be reached, or because too much is refused. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from producers.password_reset.batch.records import RowState
from tasks.contract.codes import LocalCode

if TYPE_CHECKING:
    from producers.password_reset.batch.records import RowRecord

#: What says that the account, the server or the way to it is at fault, and not the row.
_OUR_FAULT: Final = frozenset(
    {
        421,
        454,
        530,
        534,
        535,
        538,
        LocalCode.DNS,
        LocalCode.CONNECT,
        LocalCode.TLS,
        LocalCode.STARTTLS_MISSING,
        LocalCode.PROTOCOL,
        LocalCode.LOGIN_IMPOSSIBLE,
        LocalCode.TIME_OVER,
    }
)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """
    What a job puts up with.

    It pauses after *failures* rows in a row that failed because the server could not be reached or logged in
    to, and when more than the share *refused* of the last *window* rows was refused for good.
    """

    failures: int = 10
    refused: float = 0.2
    window: int = 50


@dataclass(slots=True)
class Watch:
    """Looks at each row that is settled, in order."""

    tolerance: Tolerance = field(default_factory=Tolerance)
    _in_a_row: int = 0
    _last: deque[bool] = field(default_factory=deque)

    def see(self, record: RowRecord) -> str | None:
        """Return why the job should pause after this row, None where it should not."""
        is_our_fault = record.state is RowState.FAILED and record.code in _OUR_FAULT
        self._in_a_row = self._in_a_row + 1 if is_our_fault else 0
        if self._in_a_row >= self.tolerance.failures:
            return f"{self._in_a_row} rows in a row failed with {record.code}: {record.message}"
        return self._share(is_refused=record.state is RowState.FAILED and not is_our_fault)

    def _share(self, *, is_refused: bool) -> str | None:
        self._last.append(is_refused)
        if len(self._last) > self.tolerance.window:
            self._last.popleft()
        share = sum(self._last) / self.tolerance.window
        if len(self._last) < self.tolerance.window or share <= self.tolerance.refused:
            return None
        return (
            f"{sum(self._last)} of the last {self.tolerance.window} rows were refused, "
            f"more than {self.tolerance.refused:.0%}"
        )
