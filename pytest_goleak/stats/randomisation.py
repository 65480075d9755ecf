"""The exact randomisation test, and the interval that its inversion gives.

A block has *R* rounds; a seeded coin chose which half of them carried load. Under the hypothesis that every request
adds exactly *b*, what is left of the growths after subtracting *b* times the dose would have been the same under any
other choice of the coin. So the observed choice is compared with all ``C(R, R/2)`` choices (R. A. Fisher, *The Design
of Experiments*, 1935, ch. II): no assumption on the noise is needed, because we did the randomising.

The statistic is the mean growth of the loaded rounds less that of the idle ones. It is linear in *b*, therefore each
choice *c* of the coin overtakes the observed one at a single value of *b*,

    b_c = (A_obs - A_c) / (B_obs - B_c),    A = statistic of the growths, B = statistic of the doses,

and the bounds of the interval are order statistics of these values: no search, no normal approximation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["Experiment", "Growth", "analyse", "half_width", "pool", "spread"]

Floats = NDArray[np.float64]

BOUND_LEVEL = 0.025
"""Error probability of each one-sided bound; both together give a 95 % interval."""

HALF_WIDTH_SDS = {10: 1.5, 8: 2.2}
"""Half the width of a block's interval, in standard deviations of a round's change, at a dose of one request, by the
number of rounds.

The contrast of five loaded and five idle rounds has the error sqrt(1/5 + 1/5) = 0.63; the bounds lie 2.3 to 2.4 of
these to each side, by simulation of the exact test with normal noise, be it of the levels or of their changes. With
four and four it is 0.71, and the bounds are the most extreme of 70 choices: 3.0 to 3.1 of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What one experiment says of one signal."""

    per_request: float
    """Median of the ``b_c``: the Hodges-Lehmann estimate of this test."""
    low: float
    """Lower bound, wrong with probability :data:`BOUND_LEVEL` at most."""
    high: float
    """Upper bound, likewise."""
    p_value: float
    """Share of the coin's choices that show at least the observed growth; valid for any noise."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Statistics of the growths and the doses under every choice of the coin; the first is the observed one."""

    growth: Floats
    dose: Floats

    @property
    def p_value(self) -> float:
        """Share of the coin's choices that show at least the observed growth."""
        # Sums of the same integers in another order differ in the last bits: they are ties, not smaller values.
        tie = 1e-9 * max(1.0, float(np.abs(self.growth).max()))
        return float(np.mean(self.growth >= self.growth[0] - tie))

    def growth_per_request(self, *, level: float = BOUND_LEVEL) -> Growth:
        """Return estimate, bounds and p-value."""
        p_value = self.p_value
        distance = self.dose[0] - self.dose[1:]
        rivals = distance > 1e-9 * self.dose[0]
        slopes = np.sort((self.growth[0] - self.growth[1:][rivals]) / distance[rivals])
        # A hypothetical b is rejected when it and fewer than level * N choices lie beyond it; the observed choice
        # always counts as one of them.
        beyond = math.floor(level * len(self.growth)) - 1
        if beyond < 0 or not len(slopes):
            return Growth(
                per_request=float(np.median(slopes)) if len(slopes) else 0.0,
                low=-math.inf,
                high=math.inf,
                p_value=p_value,
            )
        return Growth(
            per_request=float(np.median(slopes)),
            low=float(slopes[beyond]),
            high=float(slopes[-1 - beyond]),
            p_value=p_value,
        )


def analyse(levels: Sequence[float] | Floats, doses: Sequence[int]) -> Experiment:
    """Return the experiment of one block.

    Args:
        levels: of one signal, before the first round and after each one; one more than *doses*.
        doses: requests per round, 0 for idle ones.

    """
    growth = np.diff(np.asarray(levels, dtype=float))
    dose = np.asarray(doses, dtype=float)
    contrast = _contrasts(len(dose), int((dose > 0).sum()))
    observed = _contrast_of(dose > 0)
    # The observed choice first; it is among the others too, and taken out there.
    others = contrast[~(contrast == observed).all(axis=1)]
    contrasts = np.vstack([observed, others])
    return Experiment(contrasts @ growth, contrasts @ dose)


def half_width(noise: float, dose: int, *, rounds: int = 10) -> float:
    """Return the expected half width of the interval of growth per request.

    Args:
        noise: standard deviation of a round's change, in the signal's unit.
        dose: requests per loaded round.
        rounds: of the block, one of :data:`HALF_WIDTH_SDS`.

    """
    return HALF_WIDTH_SDS[rounds] * noise / dose


def spread(changes: Sequence[float]) -> float:
    """Return the standard deviation of a round's change, from the *changes* of idle rounds.

    The root mean square around the median: a median alone would call a service quiet that is so most of the time.
    Fewer than two changes tell nothing: infinite.
    """
    if len(changes) < 2:
        return math.inf
    centred = np.asarray(changes, dtype=float) - np.median(changes)
    return float(np.sqrt(np.sum(centred**2) / (len(changes) - 1)))


def pool(first: Experiment, second: Experiment) -> Experiment:
    """Return the joint experiment of two independently randomised blocks: every pair of the coins' choices."""
    return Experiment(
        (first.growth[:, None] + second.growth[None, :]).ravel(),
        (first.dose[:, None] + second.dose[None, :]).ravel(),
    )


@lru_cache(maxsize=32)
def _contrasts(rounds: int, loaded: int) -> Floats:
    rows = []
    for chosen in itertools.combinations(range(rounds), loaded):
        mask = np.zeros(rounds, dtype=bool)
        mask[list(chosen)] = True
        rows.append(_contrast_of(mask))
    return np.array(rows)


def _contrast_of(loaded: NDArray[np.bool_]) -> Floats:
    """Return the weights whose product with a vector is mean(loaded) - mean(idle)."""
    count = int(loaded.sum())
    return np.where(loaded, 1.0 / count, -1.0 / (len(loaded) - count))
