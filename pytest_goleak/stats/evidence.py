"""What the randomised blocks of one experiment show, signal by signal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import CONFIRM_LEVEL, SUSPICION_LEVEL, TELLING, Thresholds
from pytest_goleak.stats.priming import Priming
from pytest_goleak.stats.randomisation import Growth, half_width
from pytest_goleak.stats.reading import Reading, read

__all__ = ["FADING", "Evidence", "judge_block"]

GLARING = {Signal.HEAP_BYTES: 64 * 1024 * 1024, Signal.HEAP_OBJECTS: 1_000_000, Signal.GOROUTINES: 1_000}
"""Growth of one block, in the signal's unit, that need not be seen again in a larger one."""

DRAINED = 0.25
"""Share of the tolerance of a loaded round that is more than noise if an idle one takes it away."""

GIVEN_BACK = 0.2
"""Share of the growth that has to go away meanwhile to be more than noise beside it."""

FADING = 0.6
"""Share of the earlier growth per request below which growth is on its way to a bound."""

FADED = 0.25
"""The same for growth while primed, which has more of what grows only once in it: in a leak's as well."""

BESIDE_IDLE = 4
"""Multiple of what a short idle round changed that is more than growth with time, and more than noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One block, analysed."""

    result: BlockResult
    doses: tuple[int, ...]
    readings: Mapping[Signal, Reading]
    growth: Mapping[Signal, Growth]
    served_before: int
    """Requests answered before this block."""
    is_even: bool = True
    """Whether idle rounds were as long as loaded ones."""
    later: tuple[Observation, ...] = ()
    """Looks after it, before any other request."""
    priming: Priming | None = None
    """The load right before it, which is not judged."""

    @property
    def requests(self) -> int:
        """Requests of this block."""
        return sum(self.doses)

    @property
    def sent(self) -> int:
        """Requests of this block and of its priming: all that may have left what goes away, or stays, after it."""
        return self.requests + (self.priming.requests if self.priming else 0)

    @property
    def before(self) -> Observation:
        """The levels before the first of these."""
        return self.priming.before if self.priming else self.start

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
    def middle_s(self) -> float:
        """When half of the requests of this block were over, on the experiment's clock."""
        served = np.cumsum(self.doses)
        return self.result.observations[int(np.argmax(2 * served >= served[-1])) + 1].at_s

    @property
    def longest_pause_s(self) -> float:
        """Longest time between the end of a load, be it the priming one, and the next load."""
        longest, ended_s = 0.0, self.priming.after.at_s if self.priming else math.inf
        for look, load in zip(self.result.observations[1:], self.result.loads, strict=True):
            if load:
                longest = max(longest, look.at_s - load.duration_s - ended_s)
                ended_s = look.at_s
        return longest

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
        """Return those of :meth:`unproven` that keep this block from ``clean``: no noise hides more than is alive."""
        return tuple(
            signal for signal in self.unproven(thresholds) if not self.most_alive(signal) < thresholds.margin(signal)
        )

    def most_alive(self, signal: Signal) -> float:
        """Return all that is alive of *signal* after the last load, per request of the later loaded rounds.

        What each of these left is among it: a bound without chance, which tells much where little is alive, such as
        goroutines that come and go. Earlier requests do not count, so that what began to leak meanwhile is not spread
        over them. Infinite for a block that is only foreseen.
        """
        if not self.result.observations:
            return math.inf
        loaded = [number for number, dose in enumerate(self.doses) if dose]
        looks = (*self.result.observations[loaded[-1] + 1 :], *self.later)
        requests = sum(self.doses[number] for number in loaded[len(loaded) // 2 :])
        return min(look.level(signal) for look in looks) / requests

    def rising_hints(self, thresholds: Thresholds) -> tuple[Signal, ...]:
        """Return the signals of :meth:`hints` whose growth is significant also if time alone adds to it."""
        return tuple(
            signal for signal in self.hints(thresholds) if self.readings[signal].rising.p_value <= SUSPICION_LEVEL
        )

    def sharp_dose(self, thresholds: Thresholds) -> int:
        """Return the dose that bounds every signal if there is no growth, and noise as in this block; 0 if unknown."""
        shares = [
            (growth.high - growth.per_request) / thresholds.margin(signal)
            if growth.per_request <= thresholds.margin(signal)
            else math.inf
            for signal, growth in self.growth.items()
        ]
        return math.ceil(self.dose * max(shares)) if math.isfinite(max(shares)) else 0

    def followed_by(self, looks: Sequence[Observation]) -> Evidence:
        """Return this block with *looks* that came after it, before any other request."""
        return replace(self, later=tuple(looks))

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

    def has_fallen(self, signal: Signal, thresholds: Thresholds, *, floors: int = 1) -> bool:
        """Whether some round took away more than the tolerance of a loaded one, and more than so many *floors*."""
        return -min(self._changes(signal)) > max(
            floors * thresholds.floor(signal), thresholds.margin(signal) * self.dose
        )

    def has_drained(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether something went away without load, or more in any round than load sets up and down."""
        return self.has_fallen_idle(signal, thresholds) or self.has_fallen(signal, thresholds, floors=TELLING)

    def has_fallen_idle(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether an idle round took away a noticeable part of the tolerance of a loaded one, and more than the floor.

        A few of these make as much noise as one that takes away all of it.
        """
        fall = -min(self.idle_changes(signal), default=0)
        return fall > max(thresholds.floor(signal), DRAINED * thresholds.margin(signal) * self.dose)

    def stands(self, later: Observation, signals: Iterable[Signal], thresholds: Thresholds) -> bool:
        """Whether what this block added to one of *signals* is *later* still there, and nothing of any went away."""
        signals = list(signals)
        return any(
            later.level(signal) - self.start.level(signal) > thresholds.floor(signal) / 2 for signal in signals
        ) and not any(self.end.level(signal) - later.level(signal) > thresholds.floor(signal) for signal in signals)

    def later_noise(self, signals: Iterable[Signal], thresholds: Thresholds) -> float:
        """Return the half width of an equal block as noisy as the later half of this one, in tolerances."""
        widths = []
        for signal in signals:
            later = self._changes(signal)[len(self.doses) // 2 :]
            noise = math.hypot(*later) / math.sqrt(len(later)) if later else math.inf
            widths.append(half_width(noise, self.dose) / thresholds.margin(signal))
        return max(widths)

    def gives_back(self, signals: Iterable[Signal]) -> bool:
        """Whether a noticeable part of what loaded rounds added to one of *signals* went away in idle ones."""
        return any(
            -sum(change for change in self.idle_changes(signal) if change < 0) > GIVEN_BACK * self._grown(signal)
            for signal in signals
        )

    def gross(self, signal: Signal) -> float:
        """Return the most that a loaded round grew per request, be it for a while only."""
        changes = zip(self._changes(signal), self.doses, strict=True)
        return max(change / dose for change, dose in changes if dose)

    def noise(self, signal: Signal) -> float:
        """Return the median size of the changes in idle rounds, less their common drift."""
        idle = self.idle_changes(signal)
        return float(np.median(np.abs(np.array(idle) - np.median(idle)))) if idle else 0.0

    def largest_residual(self, signal: Signal) -> float:
        """Return how far a round was off at the most, from what its requests add by the estimate."""
        growth = self.growth[signal].per_request
        return max(abs(change - growth * dose) for change, dose in zip(self._changes(signal), self.doses, strict=True))

    def idle_changes(self, signal: Signal) -> list[int]:
        """Return the changes of *signal* in the idle rounds."""
        return [change for change, dose in zip(self._changes(signal), self.doses, strict=True) if dose == 0]

    def _changes(self, signal: Signal) -> list[int]:
        levels = [observation.level(signal) for observation in self.result.observations]
        return [after - before for before, after in pairwise(levels)]

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

    def grows_throughout(self, thresholds: Thresholds) -> bool:
        """Whether every load added more to some signal than is tolerated, and far more than time did without load."""
        changes = {signal: list(zip(self._changes(signal), self.doses, strict=True)) for signal in Signal}
        return any(
            all(
                change > thresholds.margin(signal) * dose + BESIDE_IDLE * max(abs(c) for c, d in of_signal if not d)
                for change, dose in of_signal
                if dose
            )
            for signal, of_signal in changes.items()
        )

    def estimate(self, signal: Signal, outcome: Outcome, thresholds: Thresholds) -> SignalEstimate:
        """Return the figures of *signal* for the report."""
        growth = self.growth[signal]
        most = self.most_alive(signal) if outcome is Outcome.CLEAN else math.inf
        return SignalEstimate(
            per_request=min(growth.per_request, most),
            low=min(growth.low, most),
            high=min(growth.high, most),
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
