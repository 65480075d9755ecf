"""How to look at levels that never rest: how often, and which of the looks to believe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_goleak.model.looks import ONE_LOOK, Looks
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.design import BLOCK_ROUNDS, FEW_ROUNDS, Thresholds
from pytest_goleak.stats.randomisation import half_width

__all__ = ["Looking", "best_looking", "is_restless"]

COUNTS = (1, 2, 3, 6, 12, 24, 36, 48)
"""Looks per level that are weighed against each other."""

ERRORS = 3
"""Standard errors of the noise that was heard by which it may be worse."""

SAFETY = 1.4
"""Requests beyond those that the noise asks for on average."""

FALL_SHARE = 0.5
"""Share of the range of a level that makes a fall: what swells was dropped then, and is at its lowest."""

LEAST_FALLS = 3
"""Falls that have to be heard before the next one is counted upon."""

RISE_SHARE = 0.3
"""Share of the range of a level that it has to rise, without load, to be noise and no drain."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How the levels of a block are read, and what that costs."""

    looks: Looks = ONE_LOOK
    seconds: float = 0.0
    """Time that the looks of one level take on average."""
    needed_dose: int = 0
    """Requests of a loaded round that the noise which is left needs."""
    ample_dose: int = 0
    """Requests that are worth their time: more where the noise may be worse than it sounded, or where they take none.
    """
    rounds: int = BLOCK_ROUNDS
    """Rounds of a block that confirms nothing."""


def best_looking(
    listened: Sequence[Observation],
    signals: Iterable[Signal],
    *,
    thresholds: Thresholds,
    seconds: float,
    rate: float,
) -> Looking:
    """Return the way to look that proves the next block soonest.

    More looks per level leave less of the noise, and less of it needs fewer requests. Of all ways, the one is taken
    whose looks and requests take the least time together, for the worst of *signals*; where none fits into the time,
    the one that comes closest.

    Args:
        listened: looks in short succession while nothing else was done.
        signals: that were too noisy.
        thresholds: of the experiment.
        seconds: time that the block may take.
        rate: requests per second.

    """
    levels = {signal: np.array([each.level(signal) for each in listened], dtype=float) for signal in signals}
    interval = (listened[-1].at_s - listened[0].at_s) / max(1, len(listened) - 1)
    best, least_s = Looking(), math.inf
    for looks, mean_count, noise in _ways(levels):
        looks_s = mean_count * interval
        if looks.most > 1 and looks_s * BLOCK_ROUNDS >= seconds:
            continue
        # A round's change is the difference of two levels.
        changes = {signal: math.sqrt(2) * sd / thresholds.margin(signal) for signal, sd in noise.items()}
        for rounds in (BLOCK_ROUNDS, FEW_ROUNDS) if looks.falls else (BLOCK_ROUNDS,):
            dose = SAFETY * half_width(max(changes.values()), 1, rounds=rounds)
            # Each round begins with a fall; the next one comes after two times what it takes to on average.
            round_s = max(looks_s + dose / rate, 2 * looks_s if looks.falls else 0.0)
            if rounds * round_s < least_s:
                least_s = rounds * round_s
                ample = max(dose, looks_s * rate) if looks.falls else dose * _worse(levels.values(), looks.most)
                best = Looking(
                    looks=looks,
                    seconds=looks_s,
                    needed_dose=math.ceil(dose),
                    ample_dose=math.ceil(ample),
                    rounds=rounds,
                )
    return best


def _ways(levels: Mapping[Signal, Floats]) -> Iterator[tuple[Looks, float, dict[Signal, float]]]:
    """Yield ways to look, how many looks they take on average, and the standard deviation that each leaves a level."""
    length = min(series.size for series in levels.values())
    for count in COUNTS:
        if count == 1 or 1.3 * count <= length:
            windows = {s: np.lib.stride_tricks.sliding_window_view(series, count) for s, series in levels.items()}
            yield Looks(most=count), count, {s: float(np.std(seen.mean(axis=1))) for s, seen in windows.items()}
            least = {s: float(np.std(seen.min(axis=1))) for s, seen in windows.items()}
            yield Looks(most=count, is_least=True), count, least
    falls = {signal: FALL_SHARE * float(np.ptp(series)) for signal, series in levels.items()}
    ends = _ends(levels, falls) if all(falls.values()) else []
    if _count(ends) >= LEAST_FALLS:
        read = {s: [series[start : end + 1].min() for start, end in enumerate(ends)] for s, series in levels.items()}
        counts = [end - start + 1 for start, end in enumerate(ends)]
        looks = Looks(most=math.ceil(1.3 * max(counts)), is_least=True, falls=falls)
        yield looks, float(np.mean(counts)), {signal: float(np.std(each)) for signal, each in read.items()}


def _worse(levels: Iterable[Floats], count: int) -> float:
    """Return by which factor the noise of *count* looks may be larger than it sounded.

    The relative standard error of a standard deviation is sqrt(1 / 2n), for *n* independent values; looks that depend
    on the one before make as many fewer of them.
    """
    worst = 1.0
    for series in levels:
        sd = float(np.std(series))
        kept = float(np.mean((series[1:] - series.mean()) * (series[:-1] - series.mean()))) / sd**2 if sd else 0.0
        together = max(count, (1 + kept) / max(1e-3, 1 - kept))  # looks that tell as much as one
        worst = max(worst, 1 + ERRORS / math.sqrt(2 * max(1.0, series.size / together)))
    return worst


def _ends(levels: Mapping[Signal, Floats], falls: Mapping[Signal, float]) -> list[int]:
    """Return, for each look that a reading could begin with, the one after which all *falls* have happened.

    Readings that would not have ended are left out: they are the last ones.
    """
    ends: list[int] = []
    for start in range(min(series.size for series in levels.values())):
        last = [_first_fall(levels[signal][start:], by) for signal, by in falls.items()]
        if None in last:
            break
        ends.append(start + max(index for index in last if index is not None))
    return ends


def _count(ends: Sequence[int]) -> int:
    """Return how many readings one after the other *ends* make, each of which begins where the one before ended."""
    count, start = 0, 0
    while start < len(ends):
        count, start = count + 1, ends[start]
    return count


def _first_fall(series: Floats, by: float) -> int | None:
    """Return the index of the first level of *series* that is so far below an earlier one."""
    fallen = np.maximum.accumulate(series) - series >= by
    return int(fallen.argmax()) if fallen.any() else None


def is_restless(listened: Sequence[Observation], signals: Iterable[Signal], thresholds: Thresholds) -> bool:
    """Whether one of *signals* goes up as well as down without any load: waiting would not bring it to rest."""
    for signal in signals:
        levels = np.array([each.level(signal) for each in listened], dtype=float)
        rise = float((levels - np.minimum.accumulate(levels)).max())
        if rise > max(thresholds.floor(signal), RISE_SHARE * float(np.ptp(levels))):
            return True
    return False
