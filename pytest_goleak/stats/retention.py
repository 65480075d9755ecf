"""What an idle wait left of the growth of the blocks before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import AGREEING_LOOKS, DrainResult
from pytest_goleak.stats.classes import drain_forecast
from pytest_goleak.stats.design import TELLING, Thresholds
from pytest_goleak.stats.drift import background_drift
from pytest_goleak.stats.evidence import Evidence

__all__ = ["GONE", "Rest", "Retention", "rest_after"]

GONE = 0.1
"""Share of the growth that may be left of what counts as gone: structures that keep the size of a peak."""

STILL = 0.1
"""Share of what went in the last quarter of a wait up to which nothing went at its end; what falls steadily for eight
seconds goes by half of it in the last one."""

CREEP = 1.4
CREEP_S = 1.0
"""Multiple of the growth with time that a wait showed which other growth has to exceed, and the shortest time that it
is taken from: time adds in steps, and where it adds steadily that is as much as is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What was left of the growth of a signal after an idle wait."""

    grown: float
    """From before the load to its end."""
    kept: float
    """From before the load to the end of the wait."""
    primed: float = 0.0
    """From before the load to where the randomised blocks began."""
    expected: float
    """What the randomised blocks say was added."""
    requests: int
    """Requests of these blocks, and of the load before them that only primed."""
    floor: float
    """Differences below this are noise."""
    series: tuple[float, ...] = ()
    """The levels during the wait, above the one before the load."""
    late: tuple[float, ...] = ()
    """Those of *series* at the end, for as long as nothing may go while some of it has yet to."""
    swing: float = 0.0
    """How far the level rose by itself while waiting, drift taken off: what comes and goes is not what stays."""
    creep: float = 0.0
    """What time alone may have added since the load began, by how the level rose after its lowest while waiting."""

    @property
    def rate(self) -> float:
        """What was kept, per request; the highest of the last looks, so that noise can't hide it."""
        return max(self.kept, *self.series[-AGREEING_LOOKS:]) / max(1, self.requests)

    @property
    def rise(self) -> float:
        """How far the level rose again while waiting, per request."""
        return _rise(self.series) / max(1, self.requests)

    def estimate(self, p_value: float, margin: float) -> SignalEstimate:
        """Return the figures of a signal that went away again: what is left of it, per request."""
        return SignalEstimate(
            per_request=self.kept / max(1, self.requests),
            low=min(self.series[-AGREEING_LOOKS:], default=self.kept) / max(1, self.requests),
            high=self.rate,
            p_value=p_value,
            min_detectable=margin,
            outcome=Outcome.CLEAN,
        )

    @property
    def stays(self) -> bool:
        """Whether what the load added is still there, all of it."""
        return (
            self.kept > max(self.floor, self.swing)
            and self.grown - self.kept <= 0.1 * self.judged + self.floor / 2
            and self.kept >= 0.7 * self.expected
        )

    @property
    def judged(self) -> float:
        """From before the load to its end, less what filled while primed: that is no measure of what goes away."""
        return max(self.grown - self.primed, min(self.grown, self.expected))

    @property
    def has_fallen(self) -> bool:
        """Whether a noticeable part went away during the wait."""
        return self.grown - self.kept > max(self.floor, 0.1 * self.judged)

    @property
    def is_gone(self) -> bool:
        """Whether practically everything went away."""
        return self.kept <= max(GONE * self.grown, GONE * self.expected, self.floor)

    @property
    def is_falling(self) -> bool:
        """Whether the level fell in the last quarter of the wait, and to its end."""
        if len(self.series) < 4:
            return False
        fell = _fall(self.series[-max(2, len(self.series) // 4) :])
        is_over = bool(self.late) and _fall(self.late) <= STILL * fell
        return fell > max(self.floor, 0.05 * self.judged) and not is_over

    @property
    def is_going(self) -> bool:
        """Whether the level fell to the last look of the wait."""
        return self.is_falling and _fall(self.series[-AGREEING_LOOKS:]) > self.floor / 2


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
        """
        return any(self.held(signal) > earlier[signal] + self.thresholds.floor(signal) for signal in Signal)

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

    def began_at_rest(self, earlier: Rest, signals: Sequence[Signal]) -> bool:
        """Whether *signals* had drained in *earlier*, and none came to rest lower since: nothing older was there to go.

        Half of the tolerance does not count, nor does what the runtime's own structures do.
        """
        return earlier.is_drained(signals) and all(
            -self.kept[signal].kept
            <= max(self.thresholds.floor(signal), self.thresholds.margin(signal) * self.kept[signal].requests / 2)
            for signal in signals
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

    def forecast_s(self, signals: Iterable[Signal]) -> float | None:
        """Return the seconds until all of *signals* are back if they go on falling as they did, ``None`` if unknown."""
        forecasts = [
            drain_forecast(
                self.drain.observations, signal, self.blocks[0].before.level(signal) + self.thresholds.floor(signal)
            )
            for signal in signals
        ]
        return max((seconds for seconds in forecasts if seconds is not None), default=None)


def _fall(levels: Sequence[float]) -> float:
    """Return how far the first of *levels* is above the last."""
    return levels[0] - levels[-1]


def _rise(levels: Iterable[float]) -> float:
    """Return the largest rise from any level to a later one."""
    lowest, rise = math.inf, 0.0
    for level in levels:
        lowest = min(lowest, level)
        rise = max(rise, level - lowest)
    return rise


def _creep(looks: Sequence[Observation], signal: Signal, drift: float) -> float:
    """Return how fast the level may rise by itself, in units per second, *drift* taken off.

    By the look at which nothing more went away, the last one that was as low as any.
    """
    last = looks[-1]
    lowest = min(reversed(looks), key=lambda look: look.level(signal) - drift * look.at_s)
    rise = last.level(signal) - lowest.level(signal) - drift * (last.at_s - lowest.at_s)
    return CREEP * rise / max(CREEP_S, last.at_s - lowest.at_s)


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

    Nothing goes for *settled_s* only if nothing more goes at all.
    """
    first, last, after = blocks[0], blocks[-1], drain.observations[-1]
    background = background_drift(blocks, thresholds, waited=drain.observations)
    kept: dict[Signal, Retention] = {}
    late = sum(1 for look in drain.observations if look.at_s >= after.at_s - settled_s)
    for signal in Signal:
        start, drift = first.before.level(signal), background.get(signal, 0.0)
        kept[signal] = Retention(
            grown=last.end.level(signal) - start - drift * (last.end.at_s - first.before.at_s),
            kept=after.level(signal) - start - drift * (after.at_s - first.before.at_s),
            primed=first.start.level(signal) - start - drift * (first.start.at_s - first.before.at_s),
            expected=sum(block.growth[signal].per_request * block.requests for block in blocks),
            requests=sum(block.sent for block in blocks),
            floor=max(thresholds.floor(signal), *(block.noise(signal) for block in blocks)),
            series=(series := tuple(observation.level(signal) - start for observation in drain.observations)),
            late=series[-late:],
            swing=_rise([each.level(signal) - drift * each.at_s for each in drain.observations]),
            creep=_creep(drain.observations, signal, drift) * (after.at_s - first.before.at_s),
        )
    return Rest(blocks=tuple(blocks), drain=drain, thresholds=thresholds, kept=kept, backlog=backlog, unseen=unseen)
