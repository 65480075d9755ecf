"""One signal of one block, with what time alone adds taken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytest_goleak.stats.randomisation import Experiment, Growth, analyse, pool

__all__ = ["Reading", "read"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """One experiment, read in three ways, which are one and the same where rounds were equally long."""

    likely: Experiment
    """Time adds what it did in the median idle round; nothing where rounds were not meant to be equally long."""
    rising: Experiment
    """Time adds what it did in the fastest idle round: what still grows does so by requests."""
    bounding: Experiment
    """Time takes off what it did in the slowest idle round: requests do not add more than this shows."""

    @property
    def growth(self) -> Growth:
        """The likely growth, with an upper bound for the worst."""
        likely = self.likely.growth_per_request()
        return likely if self.is_even else replace(likely, high=self.bounding.growth_per_request().high)

    @property
    def is_even(self) -> bool:
        """Whether rounds were equally long."""
        return self.bounding is self.likely

    @property
    def blur(self) -> float:
        """By how much unequal rounds raise the upper bound, per request."""
        return 0.0 if self.is_even else self.growth.high - self.likely.growth_per_request().high

    def pooled_with(self, other: Reading) -> Reading:
        """Return the joint reading of two independently randomised blocks."""
        likely = pool(self.likely, other.likely)
        if self.is_even and other.is_even:
            return Reading(likely, likely, likely)
        return Reading(likely, pool(self.rising, other.rising), pool(self.bounding, other.bounding))


def read(levels: Sequence[float], at_s: Sequence[float], doses: Sequence[int], *, is_even: bool) -> Reading:
    """Return what a block says of one signal.

    Rounds are paced to last as long as one another, and on a busy machine some do not. What grows with time alone, at
    the median rate of the idle rounds, is moved from the longer rounds to the shorter ones. Where idle rounds are
    shorter by design, that rate would be noise, multiplied: the fastest growth of an idle round is taken off where
    growth has to be shown, and the fastest fall is added where it has to be excluded.

    Args:
        levels: before the first round and after each one.
        at_s: when these were read, in seconds.
        doses: requests per round, 0 for idle ones.
        is_even: whether rounds were meant to be equally long.

    """
    series = np.asarray(levels, dtype=float)
    seconds = np.diff(np.asarray(at_s, dtype=float))
    idle = (np.asarray(doses) == 0) & (seconds > 0)
    rates = np.diff(series)[idle] / seconds[idle] if idle.any() else np.zeros(1)
    if is_even:
        likely = analyse(_evened(series, seconds, float(np.median(rates))), doses)
        return Reading(likely, likely, likely)
    return Reading(
        analyse(series, doses),
        analyse(_evened(series, seconds, max(0.0, float(rates.max()))), doses),
        analyse(_evened(series, seconds, min(0.0, float(rates.min()))), doses),
    )


def _evened(levels: Floats, seconds: Floats, rate: float) -> Floats:
    """Return *levels* as they would be if rounds had lasted equally long, and time alone added *rate* per second."""
    evened: Floats = levels - np.concatenate([[0.0], np.cumsum(rate * (seconds - seconds.mean()))])
    return evened
