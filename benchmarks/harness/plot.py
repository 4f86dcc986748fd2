"""Bars, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH: Final = 760
_LABELS: Final = 260
_NUMBERS: Final = 70
_BAR: Final = 22
_STEP: Final = 32


def bars(title: str, values: Mapping[str, float], *, ours: str) -> str:
    """Return a drawing with a bar for each of *values*, the row *ours* set off from the others."""
    longest = max(values.values())
    rows = [_row(i, name, value, longest, name == ours) for i, (name, value) in enumerate(values.items())]
    height = _STEP * (len(values) + 1) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="14" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="8" y="22" font-weight="bold">{escape(title)}</text>\n' + "".join(rows) + "</svg>\n"
    )


def _row(index: int, name: str, value: float, longest: float, is_ours: bool) -> str:  # noqa: FBT001 (a helper)
    top = _STEP * (index + 1) + 4
    length = max(1.0, (_WIDTH - _LABELS - _NUMBERS) * value / longest)
    colour = "#1f6f54" if is_ours else "#9aa5b1"
    middle = top + _BAR * 0.72
    return (
        f'<text x="{_LABELS - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>\n'
        f'<rect x="{_LABELS}" y="{top}" width="{length:.0f}" height="{_BAR}" fill="{colour}"/>\n'
        f'<text x="{_LABELS + length + 6:.0f}" y="{middle:.0f}">{value:.0f}</text>\n'
    )
