"""Cells and tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.accuracy.score import Share

__all__ = ["NOTHING", "count", "figure", "interval", "one_line", "percent", "share", "table", "whole"]

NOTHING = "–"  # noqa: RUF001 - a dash, as tables have it
"""What stands where nothing was measured."""


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the lines of a table."""
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def count(share: Share) -> str:
    """Return ``3 of 7``."""
    return f"{share.hits:,} of {share.total:,}" if share.total else NOTHING


def share(share: Share) -> str:
    """Return ``42.9 % (15.8 to 75.0)``."""
    return f"{percent(share.value)} ({interval(share)})" if share.total else NOTHING


def interval(share: Share) -> str:
    """Return the share's interval in percent, without the sign."""
    low, high = share.interval
    return f"{100 * low:.1f} to {100 * high:.1f}" if share.total else NOTHING


def percent(value: float | None) -> str:
    """Return ``42.9 %``."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def figure(value: float | None) -> str:
    """Return *value* with three digits or, from 100 on, as a whole number."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def whole(value: float | None) -> str:
    """Return *value* without decimals."""
    return NOTHING if value is None else f"{value:,.0f}"


def one_line(text: str, *, longest: int = 160) -> str:
    """Return *text* without line breaks, cut off after *longest* characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
