"""The figures of docs/explanation/statistics.md, as SVG that is the same for the same counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.claims.experiments import FACTORS
from benchmarks.claims.results import Results
from benchmarks.claims.share import Share
from pytest_goleak.stats.design import ALPHA, CONFIRM_LEVEL, SUSPICION_LEVEL

BLUE, ORANGE, GREY = "#1f5fa8", "#c8561b", "#666666"
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "goleak",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans", "sans-serif"],
}
KEEP = 6 / 252
"""Error probability of each one-sided bound."""


def write_figures(results: Results, folder: Path) -> None:
    """Write ``level.svg``, ``coverage.svg``, ``alarms.svg`` and ``power.svg`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "level": _level(results),
        "coverage": _coverage(results),
        "alarms": _alarms(results),
        "power": _power(results),
    }
    with mpl.rc_context(STYLE):
        for name, figure in figures.items():
            # Neither date nor version: a figure changes only with what it shows.
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def _level(results: Results) -> Figure:
    names = list(results.blocks)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _dots(left, names, [each.suspected for each in results.blocks.values()], claim=SUSPICION_LEVEL)
        _dots(right, names, [each.confirmed for each in results.blocks.values()], claim=CONFIRM_LEVEL)
        left.set_title("suspicion: p ≤ 6/252")
        right.set_title("confirmation: p ≤ 1/252")
        figure.supxlabel(
            "share of blocks without effect, %, with 95 % Wilson interval; dashed: claim (at most)", size=8
        )
    return figure


def _coverage(results: Results) -> Figure:
    names = list(results.blocks)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, sharex=True)
        _dots(left, names, [each.low_holds for each in results.blocks.values()], claim=1 - KEEP)
        _dots(right, names, [each.high_holds for each in results.blocks.values()], claim=1 - KEEP)
        left.set_title("lower bound holds the truth")
        right.set_title("upper bound holds the truth")
        figure.supxlabel("share of blocks, %, with 95 % Wilson interval; dashed: claim (at least)", size=8)
    return figure


def _alarms(results: Results) -> Figure:
    rows = {name: each.leak for name, each in results.alarms.items()}
    rows["all of them"] = Share(sum(share.hits for share in rows.values()), sum(share.runs for share in rows.values()))
    rows |= {f"rule alone, {name}": share for name, share in results.rule.items()}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        axes = figure.subplots()
        _dots(axes, list(rows), list(rows.values()), claim=ALPHA)
        axes.set_xlim(left=-0.01)
        axes.set_xlabel("false 'leak', % of experiments, with 95 % Wilson interval; dashed: alpha", size=8)
    return figure


def _power(results: Results) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.4), layout="constrained")
        grid = figure.subplots(2, 3, sharex=True, sharey=True)
        for axes, (name, each) in zip(grid.T.ravel(), results.power.items(), strict=True):
            signal, _, service = name.partition(", ")
            axes.set_title(f"{signal}\n{service}")
            _curve(axes, each.found, BLUE, "o", "called a leak")
            _curve(axes, each.passed, ORANGE, "s", "called clean")
            axes.axhline(90, color=GREY, lw=0.8, ls="--")
            axes.axvline(1, color=GREY, lw=0.6, ls=":")
            axes.set_ylim(-4, 104)
            axes.set_yticks([0, 50, 90])
            axes.set_xticks([0.25, 0.5, 1, 1.5, 2], ["¼", "½", "1", "1½", "2"])
        grid[0, 0].legend(loc="center right", fontsize=8)
        figure.supxlabel(
            "size of the leak, in multiples of what the run without it says that it would have seen", size=8
        )
        figure.supylabel("% of runs, with 95 % Wilson interval", size=8)
    return figure


def _curve(axes: Axes, shares: Sequence[Share], colour: str, marker: str, label: str) -> None:
    axes.errorbar(
        FACTORS,
        [100 * share.value for share in shares],
        yerr=_reach(shares),
        color=colour,
        marker=marker,
        ms=4,
        lw=1.3,
        elinewidth=0.9,
        label=label,
    )


def _dots(axes: Axes, names: Sequence[str], shares: Sequence[Share], *, claim: float) -> None:
    places = range(len(names))
    values = [100 * share.value for share in shares]
    axes.errorbar(values, places, xerr=_reach(shares), fmt="o", ms=4, color=BLUE, elinewidth=1.2)
    axes.axvline(100 * claim, color=ORANGE, lw=1, ls="--")
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", lw=0.4, color="#dddddd")


def _reach(shares: Sequence[Share]) -> tuple[list[float], list[float]]:
    """Return how far the intervals reach below and above the shares, in per cent."""
    low = [100 * max(0.0, share.value - share.interval[0]) for share in shares]
    high = [100 * max(0.0, share.interval[1] - share.value) for share in shares]
    return low, high
