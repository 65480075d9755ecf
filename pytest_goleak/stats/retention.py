"""What an idle wait left of the growth of one signal in the blocks before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import AGREEING_LOOKS
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence

__all__ = ["GONE", "Retention", "retention"]

GONE = 0.1
"""Share of the growth that may be left of what counts as gone: structures that keep the size of a peak."""

STILL = 0.1
"""Share of what went in the last quarter of a wait up to which nothing went at its end; of a steady fall over eight
seconds, half of that quarter's goes in the last one."""

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
    late: tuple[float, ...]
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
        """Whether a noticeable part went away during the wait, and more than comes and goes by itself."""
        return self.grown - self.kept > max(self.floor, self.swing, 0.1 * self.judged)

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
        return fell > max(self.floor, 0.05 * self.judged) and _fall(self.late) > STILL * fell

    @property
    def is_going(self) -> bool:
        """Whether the level fell to the last look of the wait."""
        return self.is_falling and not self.has_come_to_rest

    @property
    def has_come_to_rest(self) -> bool:
        """Whether there were looks enough at the end of the wait over which nothing went."""
        recent = self.series[-AGREEING_LOOKS:]
        return len(recent) == AGREEING_LOOKS and _fall(recent) <= self.floor / 2


def retention(
    blocks: Sequence[Evidence],
    looks: Sequence[Observation],
    signal: Signal,
    thresholds: Thresholds,
    *,
    drift: float,
    settled_s: float,
) -> Retention:
    """Return what *looks* after *blocks* found left of the growth of *signal*, *drift* per second taken off.

    A level that has not fallen for *settled_s* falls no more.
    """
    first, last, after = blocks[0], blocks[-1], looks[-1]
    start = first.before.level(signal)
    series = tuple(look.level(signal) - start for look in looks)
    late = 1 + sum(1 for look in looks if look.at_s > after.at_s - settled_s)  # with the look at its beginning

    def risen(look: Observation) -> float:
        return look.level(signal) - start - drift * (look.at_s - first.before.at_s)

    return Retention(
        grown=risen(last.end),
        kept=risen(after),
        primed=risen(first.start),
        expected=sum(block.growth[signal].per_request * block.requests for block in blocks),
        requests=sum(block.sent for block in blocks),
        floor=max(thresholds.floor(signal), *(block.noise(signal) for block in blocks)),
        series=series,
        late=series[-late:],
        swing=_rise([look.level(signal) - drift * look.at_s for look in looks]),
        creep=_creep(looks, signal, drift) * (after.at_s - first.before.at_s),
    )


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
