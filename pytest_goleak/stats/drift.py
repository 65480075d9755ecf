"""Growth with time alone: in the idle rounds of blocks, and in the wait after them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import theilslopes, wilcoxon

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence

__all__ = ["background_drift", "drift_at_rest"]

LATE_S = 0.5
"""Rest after which requests are over with nearly all that they set off: what grows from then on does so by time."""

LEAST_LOOKS = 6
LEAST_S = 1.0
MOST_LOOKS = 200
"""Looks that a slope is taken from, and the time that they take."""


def background_drift(
    blocks: Sequence[Evidence], thresholds: Thresholds, *, waited: Sequence[Observation] = ()
) -> dict[Signal, float]:
    """Return the growth per second of idle rounds, for the signals where it is significant.

    One-sided Wilcoxon signed-rank test at 1 % on the idle rounds of all judged blocks (F. Wilcoxon, 1945): growth that
    happens without requests is drift of the service, not a leak of the endpoint. Only as much of it counts as goes on
    in the looks that were *waited*: the rest is what requests set off, and what came a little later than they did.
    """
    drift: dict[Signal, float] = {}
    total_s = sum(block.duration_s for block in blocks)
    for signal in Signal:
        rates = np.array(
            [
                (after.level(signal) - before.level(signal)) / max(1e-6, after.at_s - before.at_s)
                for block in blocks
                for (before, after), dose in zip(pairwise(block.result.observations), block.doses, strict=True)
                if dose == 0
            ]
        )
        if np.count_nonzero(rates) < 5 or np.median(rates) * total_s < thresholds.floor(signal):
            continue
        if wilcoxon(rates, alternative="greater").pvalue >= 0.01:
            continue
        rate = float(np.median(rates))
        goes_on = drift_at_rest(waited, signal, floor=thresholds.floor(signal))
        if goes_on is None or goes_on.likely * total_s >= thresholds.floor(signal):
            drift[signal] = rate if goes_on is None else min(rate, goes_on.likely)
    return drift


@dataclass(frozen=True, slots=True)
class Drift:
    """How fast a level rises by itself, in units per second, 0 or more."""

    likely: float
    least: float


def drift_at_rest(waited: Sequence[Observation], signal: Signal, *, floor: float) -> Drift | None:
    """Return how fast *signal* rose in the looks of a wait, once it fell by no more than half of *floor* any more.

    The median of the slopes between all pairs of looks, and the lower bound of its 95 % interval (H. Theil, 1950;
    P. K. Sen, 1968): a few looks that are far off do not move them. ``None`` if there are too few to tell.
    """
    late = [look for look in waited if look.at_s >= waited[0].at_s + LATE_S]
    late = late[_settled([look.level(signal) for look in late], floor / 2) :]
    if len(late) < LEAST_LOOKS or late[-1].at_s - late[0].at_s < LEAST_S:
        return None
    late = late[:: math.ceil(len(late) / MOST_LOOKS)]
    slopes = theilslopes([look.level(signal) for look in late], [look.at_s for look in late], alpha=0.95)
    return Drift(likely=max(0.0, float(slopes.slope)), least=max(0.0, float(slopes.low_slope)))


def _settled(levels: Sequence[int], rest: float) -> int:
    """Return the index from which on no level is followed by one that is lower by more than *rest*."""
    lowest = math.inf
    for index in range(len(levels) - 1, -1, -1):
        lowest = min(lowest, levels[index])
        if levels[index] - lowest > rest:
            return index + 1
    return 0
