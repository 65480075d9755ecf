"""The levels of an experiment as a line of text: how they went, and when there was load."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pytest_goleak.model.growth import Point
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.report.figures import NOUNS, amount

__all__ = ["plot", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"
_LOADED, _IDLE = "▪", "·"

MAX_WIDTH = 60
"""Levels that fit into a line of the terminal; more are thinned out."""

LEAST_POINTS = 4


def plot(report: EndpointReport) -> list[str]:
    """Return the course of the signal that tells most, and of the load below it; empty if too little was measured.

    ::

        goroutines  ▁▁▂▂▃▃▄▅▅▆▇█  12 to 4,912
        load        ▪·▪·▪▪··▪▪    each level after a round with requests, or without
    """
    if len(report.series) < LEAST_POINTS:
        return []
    signal = _telling(report)
    points = _thinned(report.series)
    levels = [point.level(signal) for point in points]
    if max(levels) == min(levels):
        return []
    load = "".join(_LOADED if after.requests > before.requests else _IDLE for before, after in pairwise(points))
    lowest, highest = amount(min(levels), signal.unit), amount(max(levels), signal.unit)
    label = NOUNS[signal]
    return [
        f"  {label}  {sparkline(levels)}  {lowest} to {highest}",
        f"  {'load'.ljust(len(label))}  {_IDLE}{load}  {_LOADED} after requests, {_IDLE} without",
    ]


def sparkline(levels: Sequence[float]) -> str:
    """Return one bar for each level, the lowest bar for the lowest level."""
    lowest, highest = min(levels), max(levels)
    step = (highest - lowest) / (len(_BARS) - 1) or 1.0
    return "".join(_BARS[round((level - lowest) / step)] for level in levels)


def _telling(report: EndpointReport) -> Signal:
    """Return the signal that leaks, goroutines first since they keep memory; else the one that was hardest to judge."""
    leaking = [signal for signal, estimate in report.signals.items() if estimate.outcome is Outcome.LEAK]
    if leaking:
        return Signal.GOROUTINES if Signal.GOROUTINES in leaking else leaking[0]
    undecided = [signal for signal, estimate in report.signals.items() if estimate.outcome is Outcome.INCONCLUSIVE]
    return undecided[0] if undecided else Signal.HEAP_BYTES


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    if len(points) <= MAX_WIDTH:
        return points
    return [points[round(index * (len(points) - 1) / (MAX_WIDTH - 1))] for index in range(MAX_WIDTH)]
