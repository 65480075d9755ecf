"""How to look at levels that never rest: how often, and which of the looks to believe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.design import BLOCK_ROUNDS, Thresholds
from pytest_goleak.stats.randomisation import half_width

__all__ = ["Looking", "best_looking", "is_restless"]

COUNTS = (1, 2, 3, 6, 12, 24, 36, 48)
"""Looks per level that are weighed against each other."""

SAFETY = 1.4
"""Requests beyond those that the noise asks for on average."""

RISE_SHARE = 0.3
"""Share of the range of a level that it has to rise, without load, to be noise and no drain."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How the levels of a block are read."""

    looks: int = 1
    """Looks per level."""
    is_least: bool = False
    """Whether the lowest look counts, which is steady where memory swells and is dropped; else their mean does."""
    seconds: float = 0.0
    """Time that the looks of one level take."""
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
    for count in COUNTS:
        if count * interval * BLOCK_ROUNDS >= seconds or 1.3 * count > len(listened):
            break
        for is_least in (False, True):
            # A round's change is the difference of two levels.
            dose = SAFETY * max(
                half_width(math.sqrt(2) * float(np.std(_read(series, count, is_least=is_least))), 1)
                / thresholds.margin(signal)
                for signal, series in levels.items()
            )
            round_s = count * interval + dose / rate
            if round_s < least_s:
                least_s = round_s
                best = Looking(looks=count, is_least=is_least, seconds=count * interval, needed_dose=math.ceil(dose))
    return best


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
