"""How to look at levels that never rest: how often, and which of the looks to believe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_goleak.model.looks import ONE_LOOK, Looks
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.design import BLOCK_ROUNDS, Thresholds
from pytest_goleak.stats.randomisation import half_width

__all__ = ["Looking", "best_looking", "is_restless"]

COUNTS = (1, 2, 3, 6, 12, 24, 36, 48)
"""Looks per level that are weighed against each other."""

SAFETY = 1.4
"""Requests beyond those that the noise asks for on average."""

FALL_SHARES = (0.5, 0.97)
"""Shares of the range of a level that make a fall: what swells was dropped then, and is at its lowest. Some of those
that are almost all of the range are seen too late, and waited for once more; but they leave next to no noise."""

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
        if looks.most > 1 and mean_count * interval * BLOCK_ROUNDS >= seconds:
            continue
        # A round's change is the difference of two levels.
        dose = SAFETY * max(half_width(math.sqrt(2) * sd, 1) / thresholds.margin(s) for s, sd in noise.items())
        round_s = mean_count * interval + dose / rate
        if round_s < least_s:
            least_s = round_s
            best = Looking(looks=looks, seconds=mean_count * interval, needed_dose=math.ceil(dose))
    return best


def _ways(levels: Mapping[Signal, Floats]) -> Iterator[tuple[Looks, float, dict[Signal, float]]]:
    """Yield ways to look, how many looks they take on average, and the standard deviation that each leaves a level."""
    length = min(series.size for series in levels.values())
    for count in COUNTS:
        if count == 1 or 1.3 * count <= length:
            for is_least in (False, True):
                noise = {s: float(np.std(_read(series, count, is_least=is_least))) for s, series in levels.items()}
                yield Looks(most=count, is_least=is_least), count, noise
    for share in FALL_SHARES:
        falls = {signal: share * float(np.ptp(series)) for signal, series in levels.items()}
        ends = _ends(levels, falls) if all(falls.values()) else []
        if len(set(ends)) >= LEAST_FALLS:
            noise = {s: _noise_after_falls(series, ends, missed=1 - share) for s, series in levels.items()}
            counts = [end - start + 1 for start, end in enumerate(ends)]
            yield Looks(most=math.ceil(1.3 * max(counts)), is_least=True, falls=falls), float(np.mean(counts)), noise


def _noise_after_falls(series: Floats, ends: Sequence[int], *, missed: float) -> float:
    """Return the standard deviation of levels that are read at *ends*, up to which the lowest one counts.

    A few falls may all have been seen in time by chance. The next one may be seen late by any part of the time between
    two looks, and the level have risen by a step meanwhile; but by no more than the share of a fall that can be
    *missed*.
    """
    read = [series[start : end + 1].min() for start, end in enumerate(ends)]
    rises = np.clip(np.diff(series), 0, missed * np.ptp(series))
    late = math.sqrt(max(0.0, float(np.mean(rises**2)) / 2 - float(np.mean(rises) / 2) ** 2))
    return max(float(np.std(read)), late)


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


def _read(series: Floats, count: int, *, is_least: bool) -> Floats:
    """Return the level that each run of *count* looks would give."""
    windows = np.lib.stride_tricks.sliding_window_view(series, count)
    read: Floats = windows.min(axis=1) if is_least else windows.mean(axis=1)
    return read
