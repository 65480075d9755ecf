"""Growth with time alone: in the idle rounds of blocks, and in the wait after them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.stats import wilcoxon

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence

__all__ = ["background_drift", "drift_at_rest"]

LATE_S = 0.5
"""Rest after which requests are over with nearly all that they set off: what grows from then on does so by time."""

LEAST_LOOKS = 6
LEAST_S = 1.0
"""Looks that it is taken from, and the time that they take."""


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
        if goes_on is None or goes_on * total_s >= thresholds.floor(signal):
            drift[signal] = rate if goes_on is None else min(rate, goes_on)
    return drift


def drift_at_rest(waited: Sequence[Observation], signal: Signal, *, floor: float) -> float | None:
    """Return how fast *signal* rose in the looks of a wait, in units per second, 0 or more.

    From the lowest look of their first half to the lowest one of the second: neither what drains in the first half nor
    memory that swells and is dropped is drift. ``None`` if they are too few to tell, or it fell by more than half of
    *floor* in the second half.
    """
    late = [look for look in waited if look.at_s >= waited[0].at_s + LATE_S]
    if len(late) < LEAST_LOOKS or late[-1].at_s - late[0].at_s < LEAST_S:
        return None
    lowest, later = (min(half, key=lambda look: look.level(signal)) for half in _halves(late))
    rise = later.level(signal) - lowest.level(signal)
    return None if rise < -floor / 2 else max(0.0, rise / (later.at_s - lowest.at_s))


def _halves(looks: Sequence[Observation]) -> tuple[Sequence[Observation], Sequence[Observation]]:
    return looks[: len(looks) // 2], looks[len(looks) // 2 :]
