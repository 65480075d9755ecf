"""What the randomised blocks of one experiment show, signal by signal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import CONFIRM_LEVEL, SUSPICION_LEVEL, Thresholds
from pytest_goleak.stats.randomisation import Experiment, Growth, analyse, pool

__all__ = ["TELLING", "Evidence", "background_drift", "judge_block"]

Floats = NDArray[np.float64]

TELLING = 3
"""Multiple of the floor of a block that must stay of growth before it is called a leak: tables of libraries fill by
less, and slowly."""

GLARING = {Signal.HEAP_BYTES: 64 * 1024 * 1024, Signal.HEAP_OBJECTS: 1_000_000, Signal.GOROUTINES: 2_000}
"""Growth of one block, in the signal's unit, that need not be seen again in a larger one."""

FADING = 0.6
"""Share of the earlier growth per request below which growth is on its way to a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One block, analysed."""

    result: BlockResult
    doses: tuple[int, ...]
    experiments: Mapping[Signal, Experiment]
    growth: Mapping[Signal, Growth]
    served_before: int
    """Requests answered before this block."""

    @property
    def requests(self) -> int:
        """Requests of this block."""
        return sum(self.doses)

    @property
    def dose(self) -> int:
        """Mean requests of a loaded round."""
        loaded = [dose for dose in self.doses if dose]
        return round(sum(loaded) / len(loaded))

    @property
    def duration_s(self) -> float:
        """Seconds from the first observation to the last."""
        return self.end.at_s - self.start.at_s

    @property
    def start(self) -> Observation:
        """The levels before the first round."""
        return self.result.observations[0]

    @property
    def end(self) -> Observation:
        """The levels after the last round."""
        return self.result.observations[-1]

    def suspects(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals whose growth is significant and more than runtime structures reach."""
        return tuple(s for s in self.hints(thresholds) if self._grown(s) > thresholds.floor(s))

    def hints(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals whose growth is significant, be it too little in all to be told from the runtime's own."""
        return tuple(
            signal
            for signal, growth in self.growth.items()
            if growth.p_value <= SUSPICION_LEVEL and growth.per_request > thresholds.alarm(signal)
        )

    def is_glaring(self, signals: Iterable[Signal]) -> bool:
        """Whether one of *signals* grew by more than a cache or pool that fills has in so few requests.

        More of it would only slow down every look, until no time is left to repeat it.
        """
        return any(self._grown(signal) > GLARING[signal] for signal in signals)

    def promises(self, signals: Iterable[Signal], thresholds: Thresholds) -> bool:
        """Whether this block and an equal one grow one of *signals* by as much as a leak has to."""
        return any(2 * self._grown(signal) > TELLING * thresholds.floor(signal) for signal in signals)

    def _grown(self, signal: Signal) -> float:
        return self.growth[signal].per_request * self.requests

    def unproven(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals that keep this block from ``clean``.

        Their upper bound is not below the margin; or the estimate is as far below zero, which no service can be: then
        noise of that size may hide growth of that size.
        """
        return tuple(
            signal
            for signal, growth in self.growth.items()
            if not growth.high < thresholds.margin(signal) or growth.per_request < -thresholds.margin(signal)
        )

    def too_noisy(self, thresholds: Thresholds, *, dose: int) -> tuple[Signal, ...]:
        """Return the signals that noise as in this block would keep from being proven at *dose*, too."""
        return tuple(
            signal
            for signal in self.unproven(thresholds)
            if (self.growth[signal].high - self.growth[signal].low) / 2 * self.dose / dose > thresholds.margin(signal)
        )

    def repeats(self, earlier: Evidence, signal: Signal) -> bool:
        """Whether this block of equal dose shows *earlier*'s growth again, at the confirmation level."""
        return self.growth[signal].p_value <= CONFIRM_LEVEL and not self.fades_from(earlier, [signal])

    def repeats_with(self, other: Evidence, signal: Signal) -> bool:
        """Whether this block and *other*, pooled, show growth at the confirmation level."""
        joint = pool(self.experiments[signal], other.experiments[signal]).growth_per_request()
        return joint.p_value <= CONFIRM_LEVEL

    def has_fallen(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether a tenth of what a loaded round may have added went away in some round."""
        levels = [observation.level(signal) for observation in self.result.observations]
        fall = max(before - after for before, after in pairwise(levels))
        return fall > max(thresholds.floor(signal), thresholds.margin(signal) * self.dose)

    def noise(self, signal: Signal) -> float:
        """Return the median size of the changes in idle rounds, less their common drift."""
        idle = self.idle_changes(signal)
        return float(np.median(np.abs(np.array(idle) - np.median(idle)))) if idle else 0.0

    def idle_changes(self, signal: Signal) -> list[int]:
        """Return the changes of *signal* in the idle rounds."""
        return [
            after.level(signal) - before.level(signal)
            for (before, after), dose in zip(pairwise(self.result.observations), self.doses, strict=True)
            if dose == 0
        ]

    def fades_from(self, earlier: Evidence, signals: Iterable[Signal]) -> bool:
        """Whether all of *signals* grow clearly less than they did in *earlier*.

        What fills a bound or doubles a buffer decays from block to block, a leak does not.
        """
        return all(
            self.growth[signal].per_request < FADING * max(0.0, earlier.growth[signal].per_request)
            for signal in signals
        )

    def estimate(self, signal: Signal, outcome: Outcome, thresholds: Thresholds) -> SignalEstimate:
        """Return the figures of *signal* for the report."""
        growth = self.growth[signal]
        return SignalEstimate(
            per_request=growth.per_request,
            low=growth.low,
            high=growth.high,
            p_value=growth.p_value,
            min_detectable=self.min_detectable(signal, thresholds),
            outcome=outcome,
        )

    def min_detectable(self, signal: Signal, thresholds: Thresholds) -> float:
        """Return the growth per request that this block would not have passed, in the signal's unit.

        Growth is suspected when it exceeds the alarm level, the floor of a block, and what the block's own noise can
        bring about: the half width of the interval. At twice the first two and three times the last it is found nine
        times out of ten or more, by simulation. Growth at the margin is passed in 6 of 252 looks at most, since the
        upper bound is above it in all others.
        """
        growth = self.growth[signal]
        half_width = (growth.high - growth.low) / 2
        noise = half_width if math.isfinite(half_width) else math.inf
        certain = max(2 * thresholds.alarm(signal), 2 * thresholds.floor(signal) / max(1, self.requests), 3 * noise)
        return min(certain, thresholds.margin(signal)) if growth.high < thresholds.margin(signal) else certain


def judge_block(doses: tuple[int, ...], result: BlockResult, *, served_before: int) -> Evidence:
    """Analyse one block."""
    experiments = {signal: analyse(_evened(result, doses, signal), doses) for signal in Signal}
    return Evidence(
        result=result,
        doses=doses,
        experiments=experiments,
        growth={signal: experiment.growth_per_request() for signal, experiment in experiments.items()},
        served_before=served_before,
    )


def _evened(result: BlockResult, doses: tuple[int, ...], signal: Signal) -> Floats:
    """Return the levels as they would be if all rounds had lasted equally long.

    Rounds are paced to last as long as one another, and on a busy machine some do not. What grows with time alone, at
    the median rate of the idle rounds, is moved from the longer rounds to the shorter ones.
    """
    levels = np.array([observation.level(signal) for observation in result.observations], dtype=float)
    seconds = np.diff([observation.at_s for observation in result.observations])
    idle = (np.array(doses) == 0) & (seconds > 0)
    if not idle.any():
        return levels
    rate = float(np.median(np.diff(levels)[idle] / seconds[idle]))
    evened: Floats = levels - np.concatenate([[0.0], np.cumsum(rate * (seconds - seconds.mean()))])
    return evened


def background_drift(blocks: Sequence[Evidence], thresholds: Thresholds) -> dict[Signal, float]:
    """Return the growth per second of idle rounds, for the signals where it is significant.

    One-sided Wilcoxon signed-rank test at 1 % on the idle rounds of all judged blocks (F. Wilcoxon, 1945): growth that
    happens without requests is drift of the service, not a leak of the endpoint.
    """
    drift: dict[Signal, float] = {}
    for signal in Signal:
        rates = np.array(
            [
                (after.level(signal) - before.level(signal)) / max(1e-6, after.at_s - before.at_s)
                for block in blocks
                for (before, after), dose in zip(pairwise(block.result.observations), block.doses, strict=True)
                if dose == 0
            ]
        )
        total = sum(block.duration_s for block in blocks)
        if np.count_nonzero(rates) < 5 or np.median(rates) * total < thresholds.floor(signal):
            continue
        if wilcoxon(rates, alternative="greater").pvalue < 0.01:
            drift[signal] = float(np.median(rates))
    return drift
