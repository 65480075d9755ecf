"""The scoreboard's page: the tables of the kept trials, between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.accuracy.record import keep, read
from benchmarks.accuracy.table import render
from benchmarks.accuracy.trial import Trial
from benchmarks.machine import ROOT

__all__ = ["BEGIN", "END", "KEPT", "NAME", "shown", "tables", "write"]

NAME = "docs/explanation/accuracy.md"
KEPT = Path(__file__).with_name("trials.jsonl.gz")
"""The trials that the page shows."""
BEGIN = f"<!-- generated: python -m benchmarks.bench_accuracy --report {KEPT.relative_to(ROOT).as_posix()} --page -->\n"
END = "<!-- end of the generated part -->\n"


def tables() -> str:
    """Return what the page must show: the tables of the kept trials."""
    return render(list(read([KEPT])))


def shown() -> str:
    """Return what the page shows."""
    text = (ROOT / NAME).read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0]


def write(trials: Iterable[Trial]) -> None:
    """Keep *trials*, and show their tables on the page."""
    kept: Sequence[Trial] = sorted(trials, key=lambda each: each.key)
    keep(KEPT, kept)
    path = ROOT / NAME
    head, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    path.write_text(f"{head}{BEGIN}{tables()}{END}{rest.partition(END)[2]}", encoding="utf-8")
