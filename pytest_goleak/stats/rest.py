"""An idle wait after blocks, and what it left of the growth of all signals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.step import DrainResult
from pytest_goleak.stats.classes import drain_forecast
from pytest_goleak.stats.design import TELLING, Thresholds
from pytest_goleak.stats.drift import background_drift
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.retention import Retention, retention

__all__ = ["Rest", "rest_after"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """An idle wait after one or more blocks, and what it left of each signal's growth."""

    blocks: tuple[Evidence, ...]
    drain: DrainResult
    thresholds: Thresholds
    kept: Mapping[Signal, Retention]
    backlog: Mapping[Signal, float]
    """What earlier requests to this endpoint may have left that was about to go away when the blocks began."""
    unseen: Mapping[Signal, float]
    """The most that was about to go away when the blocks began, whoever had left it."""

    @property
    def ended_s(self) -> float:
        """When the last look was, on the experiment's clock."""
        return self.drain.observations[-1].at_s

    @property
    def waited_s(self) -> float:
        """Seconds without load, to the last look."""
        return self.ended_s - self.blocks[-1].end.at_s

    @property
    def settled_s(self) -> float:
        """Seconds without load after which nothing went away any more, to the next look."""
        looks = self.drain.observations
        moving = [
            any(look.level(signal) - looks[-1].level(signal) > self.thresholds.floor(signal) for signal in Signal)
            for look in looks
        ]
        still = len(moving) - moving[::-1].index(True) if any(moving) else 0
        return looks[still].at_s - self.blocks[-1].end.at_s

    def held(self, signal: Signal) -> float:
        """Return how far *signal* stood, at its highest, above where it came to rest: what was held at once."""
        levels = [look.level(signal) for block in self.blocks for look in block.looks]
        return max(levels) - self.drain.observations[-1].level(signal)

    def tops(self, earlier: Mapping[Signal, float]) -> bool:
        """Whether more was held at once than ever before.

        What follows the highest peak so far, such as the runtime's own records of goroutines, then grows once more.
        What comes and goes by itself has been as high before, or might have been.
        """
        return any(
            self.held(signal) > earlier[signal] + max(self.thresholds.floor(signal), self.kept[signal].swing)
            for signal in Signal
        )

    def is_drained(self, signals: Iterable[Signal]) -> bool:
        """Whether all of *signals* went away, and for good: a level that comes and goes has not drained."""
        return all(
            self.kept[signal].is_gone
            and self.kept[signal].rate < self.thresholds.margin(signal)
            and self.kept[signal].rise <= self.thresholds.margin(signal)
            for signal in signals
        )

    def is_certain(self, signals: Iterable[Signal]) -> bool:
        """Whether what had not drained yet when the blocks began is too little to make up for what they left."""
        return all(self.most_left(signal) < self.thresholds.margin(signal) for signal in signals)

    def most_left(self, signal: Signal) -> float:
        """Return what may have stayed, per request.

        The level before the blocks has the backlog in it, and that is gone now: as much may have stayed unseen; but no
        more than is alive.
        """
        last = self.blocks[-1].followed_by(self.drain.observations)
        return min(self.kept[signal].rate + self.unseen[signal] / self.kept[signal].requests, last.most_alive(signal))

    def remains(self, signal: Signal) -> float:
        """Return the most that may go away yet: what was not there before, and what was and has not gone.

        Nobody knows, and it may be anything, where more went than was known of.
        """
        if not self.is_accounted_for(signal):
            return math.inf
        return self.kept[signal].rate * self.kept[signal].requests + self.unseen[signal]

    def has_sunk(self, signals: Iterable[Signal]) -> bool:
        """Whether one of *signals* came to rest lower than the backlog explains.

        Then something else went away meanwhile, such as what another endpoint had left, and what these blocks left may
        be hidden behind it; unless that was nearly all that there was to go.
        """
        return any(
            -self.kept[signal].kept - self.backlog[signal]
            > max(self.kept[signal].floor, self.thresholds.margin(signal) * self.kept[signal].requests)
            and not (self.is_accounted_for(signal) and self.is_certain([signal]))
            for signal in signals
        )

    def is_accounted_for(self, signal: Signal) -> bool:
        """Whether no more went of *signal* than was known to be there."""
        return -self.kept[signal].kept <= self.unseen[signal] + self.thresholds.floor(signal)

    def are_accounted_for(self, signals: Iterable[Signal]) -> bool:
        """Whether that holds for all of *signals*."""
        return all(map(self.is_accounted_for, signals))

    def began_at_rest(self, earlier: Rest, signals: Sequence[Signal]) -> bool:
        """Whether *signals* had drained by the end of *earlier*, and none sank since: nothing older was there to go.

        Half of the tolerance does not count, nor does what the runtime's own structures do.
        """
        return (
            earlier.is_drained(signals)
            and not earlier.is_going(signals)
            and all(
                -self.kept[signal].kept
                <= max(self.thresholds.floor(signal), self.thresholds.margin(signal) * self.kept[signal].requests / 2)
                for signal in signals
            )
        )

    def is_telling(self, signals: Iterable[Signal]) -> bool:
        """Whether what stayed of one of *signals* is more than what tables of libraries take to fill."""
        return any(
            min(self.kept[signal].kept, self.kept[signal].judged) > TELLING * self.thresholds.floor(signal)
            for signal in signals
        )

    def keeps(self, signal: Signal) -> bool:
        """Whether some of *signal* stayed: more than noise and than what is tolerated, and it no longer falls."""
        kept = self.kept[signal]
        least = max(kept.floor, kept.swing, kept.creep, self.thresholds.alarm(signal) * kept.requests)
        return kept.kept > least and not kept.is_falling

    def keeps_as_much_as(self, earlier: Rest, signal: Signal) -> bool:
        """Whether this wait left as much of *signal* per request as *earlier* did, or half of it at least."""
        kept, before = self.kept[signal], earlier.kept[signal]
        return kept.kept / kept.requests >= 0.5 * before.kept / before.requests

    def falling(self, signals: Iterable[Signal]) -> list[Signal]:
        """Return those of *signals* that still fell when the wait ended."""
        return [signal for signal in signals if self.kept[signal].is_falling]

    def is_going(self, signals: Iterable[Signal]) -> bool:
        """Whether one of *signals* fell to the last look."""
        return any(self.kept[signal].is_going for signal in signals)

    def has_come_to_rest(self, signals: Iterable[Signal]) -> bool:
        """Whether none of *signals* fell over the last looks."""
        return all(self.kept[signal].has_come_to_rest for signal in signals)

    def forecast_s(self, signals: Iterable[Signal]) -> float | None:
        """Return the seconds until all of *signals* are back if they go on falling as they did, ``None`` if unknown."""
        forecasts = [
            drain_forecast(
                self.drain.observations, signal, self.blocks[0].before.level(signal) + self.thresholds.floor(signal)
            )
            for signal in signals
        ]
        return max((seconds for seconds in forecasts if seconds is not None), default=None)


def rest_after(
    blocks: Sequence[Evidence],
    drain: DrainResult,
    thresholds: Thresholds,
    *,
    settled_s: float,
    backlog: Mapping[Signal, float],
    unseen: Mapping[Signal, float],
) -> Rest:
    """Return what *drain* left of the growth of *blocks*, background drift taken off.

    A level that has not fallen for *settled_s* falls no more.
    """
    looks = drain.observations
    drifts = background_drift(blocks, thresholds, waited=looks)
    kept = {
        signal: retention(blocks, looks, signal, thresholds, drift=drifts.get(signal, 0.0), settled_s=settled_s)
        for signal in Signal
    }
    return Rest(blocks=tuple(blocks), drain=drain, thresholds=thresholds, kept=kept, backlog=backlog, unseen=unseen)
