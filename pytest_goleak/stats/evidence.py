"""What the randomised blocks of one experiment show, signal by signal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import CONFIRM_LEVEL, SUSPICION_LEVEL, TELLING, Thresholds
from pytest_goleak.stats.priming import Priming
from pytest_goleak.stats.randomisation import Growth
from pytest_goleak.stats.reading import Reading, read
from pytest_goleak.stats.rounds import Rounds

__all__ = ["FADING", "Evidence", "judge_block"]

GLARING = {Signal.HEAP_BYTES: 64 * 1024 * 1024, Signal.HEAP_OBJECTS: 1_000_000, Signal.GOROUTINES: 1_000}
"""Growth of one block, in the signal's unit, that need not be seen again in a larger one."""

GIVEN_BACK = 0.2
"""Share of the growth that has to go away meanwhile to be more than noise beside it."""

FADING = 0.6
"""Share of the earlier growth per request below which growth is on its way to a bound."""

GOING_ON = 0.9
"""Share of the growth while primed from which on growth goes on as it did."""

FADED = 0.25
"""The same for growth while primed, which has more of what grows only once in it: in a leak's as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Rounds):
    """One block, analysed."""

    readings: Mapping[Signal, Reading]
    growth: Mapping[Signal, Growth]
    served_before: int
    """Requests answered before this block."""
    is_even: bool = True
    """Whether idle rounds were as long as loaded ones."""

    def suspects(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals whose growth is significant and more than runtime structures reach."""
        level = SUSPICION_LEVEL if self.is_even else CONFIRM_LEVEL
        return tuple(
            signal
            for signal in self.hints(thresholds)
            if self._grown(signal) > thresholds.floor(signal) and self.readings[signal].rising.p_value <= level
        )

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

    def is_telling(self, thresholds: Thresholds) -> bool:
        """Whether some signal grew by clearly more than runtime structures reach."""
        return any(self._grown(signal) > TELLING * thresholds.floor(signal) for signal in Signal)

    def promises(self, signals: Iterable[Signal], thresholds: Thresholds) -> bool:
        """Whether this block and an equal one grow one of *signals* by as much as a leak has to."""
        return any(2 * self._grown(signal) > TELLING * thresholds.floor(signal) for signal in signals)

    def growth_by_load(self, signal: Signal) -> float:
        """Return the growth per request less what an idle round had as well.

        No less than what was added and is there at the end, and no more than all that is there.
        """
        grown = self.growth[signal].per_request
        if grown <= 0:
            return 0.0
        left = (self.end.level(signal) - self.start.level(signal)) / self.requests
        most = self.end.level(signal) / self.requests
        return min(most, max(left, grown - max(0, *self.idle_changes(signal)) / self.dose))

    def _grown(self, signal: Signal) -> float:
        return self.growth[signal].per_request * self.requests

    def unproven(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals that the rounds do not prove to grow less than is tolerated.

        Their upper bound is not below the margin; or the estimate is as far below zero, which no service can be: then
        noise of that size may hide growth of that size.
        """
        return tuple(
            signal
            for signal, growth in self.growth.items()
            if not growth.high < thresholds.margin(signal) or growth.per_request < -thresholds.margin(signal)
        )

    def unbounded(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals that keep this block from ``clean``.

        Those of :meth:`unproven` of which more is alive than is tolerated: no noise hides more than that. And others
        that went on in further loads: what was proven of the rounds does not hold for these.
        """
        unproven = self.unproven(thresholds)
        return tuple(
            signal
            for signal in Signal
            if (
                not self.most_alive(signal) < thresholds.margin(signal)
                if signal in unproven
                else self.has_gone_on(signal, thresholds)
            )
        )

    def rising_hints(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals of :meth:`hints` whose growth is significant also if time alone adds to it."""
        return tuple(
            signal for signal in self.hints(thresholds) if self.readings[signal].rising.p_value <= SUSPICION_LEVEL
        )

    def is_outweighed(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether further loads show what rounds can't where *signal* swells: that all that is alive is too little."""
        return (
            bool(self.further)
            and self.swells(signal, thresholds)
            and self.most_alive(signal) < thresholds.margin(signal)
            and not self.has_gone_on(signal, thresholds)
        )

    def is_refuted(self, signal: Signal) -> bool:
        """Whether so little is alive that growth of *signal* as it seems to be here would be more, clearly."""
        return self.most_alive(signal) < FADING * self.growth[signal].per_request

    def sharp_dose(self, thresholds: Thresholds) -> int:
        """Return the dose that bounds every signal if there is no growth, and noise as in this block; 0 if unknown."""
        shares = [
            (growth.high - growth.per_request) / thresholds.margin(signal)
            if growth.per_request <= thresholds.margin(signal)
            else math.inf
            for signal, growth in self.growth.items()
        ]
        return math.ceil(self.dose * max(shares)) if math.isfinite(max(shares)) else 0

    def sharpened_by(self, earlier: Evidence) -> Evidence:
        """Return this block with the figures that both blocks together give."""
        readings = {signal: reading.pooled_with(earlier.readings[signal]) for signal, reading in self.readings.items()}
        return replace(self, readings=readings, growth=_growth_of(readings))

    def repeats(self, earlier: Evidence, signal: Signal) -> bool:
        """Whether this block shows *earlier*'s growth again, at the confirmation level."""
        return self.p_value(signal) <= CONFIRM_LEVEL and not self.fades_from(earlier, [signal])

    def p_value(self, signal: Signal, *others: Evidence) -> float:
        """Return the share of the coin's choices that show such growth of *signal*, *others* pooled with this block."""
        reading = self.readings[signal]
        for other in others:
            reading = reading.pooled_with(other.readings[signal])
        return reading.rising.p_value

    def gives_back(self, signals: Iterable[Signal]) -> bool:
        """Whether a noticeable part of what loaded rounds added to one of *signals* went away in idle ones."""
        return any(
            -sum(change for change in self.idle_changes(signal) if change < 0) > GIVEN_BACK * self._grown(signal)
            for signal in signals
        )

    def largest_residual(self, signal: Signal) -> float:
        """Return how far a round was off at the most, from what its requests add by the estimate."""
        growth = self.growth[signal].per_request
        return max(abs(change - growth * dose) for change, dose in zip(self.changes(signal), self.doses, strict=True))

    def fades_from(self, earlier: Evidence, signals: Iterable[Signal]) -> bool:
        """Whether all of *signals* grow clearly less than they did in *earlier*.

        What fills a bound or doubles a buffer decays from block to block, a leak does not.
        """
        return all(
            self.growth[signal].per_request < FADING * max(0.0, earlier.growth[signal].per_request)
            for signal in signals
        )

    def fades_from_priming(self, signals: Iterable[Signal]) -> bool:
        """Whether *signals* grow by a small part of what they did while primed: something fills, a leak beside or not.

        A priming smaller than a dose tells nothing: what follows connections seems to grow by more in a small load.
        """
        primed = self.priming
        return (
            primed is not None
            and primed.requests >= self.dose
            and all(self.growth[signal].per_request < FADED * primed.per_request(signal) for signal in signals)
        )

    def goes_on_from_priming(self, signals: Iterable[Signal]) -> bool:
        """Whether *signals* grow as much as they did while primed, so that nothing fills that is no leak beside it."""
        primed = self.priming
        return (
            primed is not None
            and primed.requests >= self.dose
            and all(self.growth[signal].per_request >= GOING_ON * primed.per_request(signal) for signal in signals)
        )

    def estimate(self, signal: Signal, outcome: Outcome, thresholds: Thresholds) -> SignalEstimate:
        """Return the figures of *signal* for the report."""
        growth = self.growth[signal]
        most = self.most_alive(signal) if outcome is Outcome.CLEAN else math.inf
        return SignalEstimate(
            per_request=min(growth.per_request, most),
            low=min(growth.low, most),
            high=min(max(growth.high, self.gone_on(signal, thresholds)), most),
            p_value=growth.p_value,
            min_detectable=self.min_detectable(signal, thresholds),
            outcome=outcome,
        )

    def min_detectable(self, signal: Signal, thresholds: Thresholds) -> float:
        """Return the growth per request that this block would not have passed, in the signal's unit.

        Growth is suspected when it exceeds the alarm level, the floor of a block, and what the block's own noise can
        bring about: the half width of the interval. At twice the first two and three times the last it is found nine
        times out of ten at rest, and three out of four or more under noise, by simulation. Growth at the margin is
        passed in 6 of 252 looks at most, since the upper bound is above it in all others.
        """
        growth = self.growth[signal]
        half_width = (growth.high - growth.low) / 2
        noise = half_width if math.isfinite(half_width) else math.inf
        certain = max(2 * thresholds.alarm(signal), 2 * thresholds.floor(signal) / max(1, self.requests), 3 * noise)
        margin = thresholds.margin(signal)
        return min(certain, margin) if min(growth.high, self.most_alive(signal)) < margin else certain


def judge_block(
    doses: tuple[int, ...],
    result: BlockResult,
    *,
    served_before: int,
    is_even: bool = True,
    priming: Priming | None = None,
) -> Evidence:
    """Analyse one block, after its *priming*; *is_even* says that idle rounds were as long as loaded ones."""
    at_s = [observation.at_s for observation in result.observations]
    readings = {
        signal: read([observation.level(signal) for observation in result.observations], at_s, doses, is_even=is_even)
        for signal in Signal
    }
    return Evidence(
        result=result,
        doses=doses,
        readings=readings,
        growth=_growth_of(readings),
        served_before=served_before,
        is_even=is_even,
        priming=priming,
    )


def _growth_of(readings: Mapping[Signal, Reading]) -> dict[Signal, Growth]:
    return {signal: reading.growth for signal, reading in readings.items()}
