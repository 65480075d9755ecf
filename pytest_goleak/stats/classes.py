"""What kind of growth it was: what it follows, where it ended, and when it will."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pytest_goleak.model.growth import GrowthClass, Point
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence

__all__ = ["bytes_alone_reached", "class_of_bounded", "class_of_leak", "drain_forecast", "must_outlast"]

CLEARLY = 0.25
"""Share of the squared residuals that another cause than the requests has to leave at most, to be named instead."""

AT_ONCE = 0.8
"""Share of all growth that one single round must have for a step."""

REACHED = 0.95
"""Share of all growth after which it counts as levelled off."""

LONG_BEFORE = 0.5
"""Share of the requests after which bytes had grown by which other growth was over that is none of theirs."""

APART = 0.25
"""Share of all growth by which one may be ahead of the other where they come together: it is 0.13 at most in caches."""

Floats = NDArray[np.float64]


def class_of_leak(blocks: Sequence[Evidence], signals: Iterable[Signal]) -> GrowthClass:
    """Return what a leak follows: the requests, the connections that carried them, or the answers that failed.

    The jitter of the doses tells them apart: as many connections are opened for a small dose as for a large one. Where
    they can't be told apart, as with a new connection for each request, it is the requests.
    """
    growth = blocks[-1].growth
    signal = max(signals, key=lambda each: growth[each].low / max(growth[each].high, 1e-9))  # the sharpest figure
    grown, loads = _loaded_rounds(blocks, signal)
    if len(grown) < 4:
        return GrowthClass.PER_REQUEST
    rivals: dict[GrowthClass, Callable[[LoadResult], int]] = {
        GrowthClass.PER_CONNECTION: lambda load: load.connections or 0,
        GrowthClass.PER_ERROR: lambda load: load.failures,
    }
    least, found = CLEARLY * _residual(grown, _counts(loads, lambda load: load.completed)), GrowthClass.PER_REQUEST
    for growth_class, count in rivals.items():
        if (residual := _residual(grown, _counts(loads, count))) < least:
            least, found = residual, growth_class
    return found


def class_of_bounded(points: Sequence[Point], thresholds: Thresholds) -> tuple[GrowthClass, int | None]:
    """Return the class of growth that ended, and the requests after which it had.

    Args:
        points: the levels from before the first judged request on.
        thresholds: say what is too little to speak of.

    """
    for signal in reversed(Signal):
        if (reached := _reached(points, signal, thresholds)) is not None:
            levels = [point.level(signal) for point in points]
            is_step = np.diff(levels).max() >= AT_ONCE * (_end(levels) - levels[0])
            return (GrowthClass.STEP if is_step else GrowthClass.FILL), reached
    return GrowthClass.FLAT, None


def bytes_alone_reached(points: Sequence[Point], thresholds: Thresholds) -> int | None:
    """Return the requests after which bytes that grew without objects had grown, ``None`` if there were none.

    A slice or buffer that doubles does so in a single round of many, which no test of a block calls significant. Bytes
    come together with what holds them: what grew in objects before them, such as connections, or at other moments, is
    nothing of that.
    """
    reached = _reached(points, Signal.HEAP_BYTES, thresholds)
    if reached is None:
        return None
    grown = _shares(points, Signal.HEAP_BYTES)
    for signal in (Signal.HEAP_OBJECTS, Signal.GOROUTINES):
        other = _reached(points, signal, thresholds)
        if other is None or other < LONG_BEFORE * reached:
            continue
        if np.abs(grown - _shares(points, signal)).max() <= APART:
            return None
    return reached


def must_outlast(blocks: Sequence[Evidence], thresholds: Thresholds, *, outweighed: Collection[Signal] = ()) -> int:
    """Return how many requests more must be flat before the growth that made one of *blocks* suspicious has ended.

    Three quarters of those that there were by then, and twice as many where bytes grew alone: that doubles. The first
    block only takes up once-only growth. One in which bytes alone grew a little is not flat: what doubles steps rarely.
    Bytes that are higher after further loads than before are taken to double, too: no idle rounds tell there. Signals
    that are *outweighed*, by more requests than what is alive allows to leak, need not be flat.
    """
    must, flat = 0.0, 0
    may_double = Signal.HEAP_BYTES not in outweighed
    for block in reversed(blocks[1:]):
        suspects = block.suspects(thresholds)
        has_gone_on = may_double and block.has_gone_on(Signal.HEAP_BYTES, thresholds)
        is_alone = may_double and (suspects or block.hints(thresholds)) == (Signal.HEAP_BYTES,)
        has_grown = has_gone_on or any(signal not in outweighed for signal in suspects)
        requests = block.requests + sum(block.further)
        if has_grown or is_alone:
            must = must or (2.0 if has_gone_on or is_alone else 0.75) * (block.served_before + requests)
        elif not must:
            flat += requests
        if has_grown:
            return max(0, int(must) - flat)
    return 0


def _reached(points: Sequence[Point], signal: Signal, thresholds: Thresholds) -> int | None:
    """Return the requests after which *signal* had practically all of its growth, ``None`` if it did not grow."""
    levels = np.array([point.level(signal) for point in points], dtype=float)
    if len(levels) < 4:
        return None
    if _end(levels) - levels[0] <= 4 * max(thresholds.floor(signal), float(np.median(np.abs(np.diff(levels))))):
        return None
    return points[int(np.argmax(_shares(points, signal) >= REACHED))].requests


def _shares(points: Sequence[Point], signal: Signal) -> Floats:
    """Return the share of all its growth that *signal* had at each of *points*."""
    levels = np.array([point.level(signal) for point in points], dtype=float)
    grown: Floats = (levels - levels[0]) / max(1.0, _end(levels) - levels[0])
    return grown


def _end(levels: Sequence[float] | Floats) -> float:
    """Return what most of the last levels agree on: a single one may be noise."""
    return float(np.median(levels[-5:]))


def drain_forecast(observations: Sequence[Observation], signal: Signal, target: float) -> float | None:
    """Return the seconds until *signal* is down to *target*, if it goes on falling as it did, ``None`` if it does not.

    A straight line through the last half of the wait (least squares): queues and timers drain at a constant rate, and
    what decays more slowly takes longer than forecast.
    """
    recent = observations[len(observations) // 2 :]
    if len(recent) < 3:
        return None
    at_s = np.array([observation.at_s for observation in recent])
    levels = np.array([observation.level(signal) for observation in recent], dtype=float)
    slope, _ = np.polyfit(at_s - at_s[-1], levels, 1)
    if slope >= 0 or levels[-1] <= target:
        return None
    return float((levels[-1] - target) / -slope)


def _loaded_rounds(blocks: Sequence[Evidence], signal: Signal) -> tuple[Floats, list[LoadResult]]:
    """Return the growth of each loaded round, less what idle rounds grow in as long, and its load."""
    grown: list[float] = []
    loads: list[LoadResult] = []
    for block in blocks:
        changes = np.diff([observation.level(signal) for observation in block.result.observations])
        idle = [change for change, load in zip(changes, block.result.loads, strict=True) if load is None]
        drift = float(np.median(idle)) if idle else 0.0
        for change, load in zip(changes, block.result.loads, strict=True):
            if load is not None:
                grown.append(float(change) - drift)
                loads.append(load)
    return np.array(grown), loads


def _counts(loads: Iterable[LoadResult], count: Callable[[LoadResult], int]) -> Floats:
    return np.array([count(load) for load in loads], dtype=float)


def _residual(grown: Floats, counts: Floats) -> float:
    """Return the sum of squares that growth in proportion to *counts* leaves unexplained."""
    norm = float(counts @ counts)
    rate = float(grown @ counts) / norm if norm else 0.0
    residuals = grown - rate * counts
    return float(residuals @ residuals)
