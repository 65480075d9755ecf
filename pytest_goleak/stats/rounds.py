"""What the levels did in the rounds of one block: levels and their changes, without inference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import TELLING, Thresholds
from pytest_goleak.stats.priming import Priming
from pytest_goleak.stats.randomisation import half_width

__all__ = ["Rounds"]

DRAINED = 0.25
"""Share of the tolerance of a loaded round that is more than noise if an idle one takes it away."""

SWELLING = 0.15
"""Share of the largest fall by which levels have to rise without load: drains rise a little, when work begins late."""

GONE_ON = 0.5
"""Share of what is tolerated of a load that is more than what levels that swell differ by at their lowest."""

BESIDE_IDLE = 4
"""Multiple of what a short idle round changed that is more than growth with time, and more than noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """The rounds of one block, and what was sent right before it."""

    result: BlockResult
    doses: tuple[int, ...]
    further: tuple[int, ...] = ()
    """Requests of loads that came after it, without idle rounds between them."""
    later: tuple[Observation, ...] = ()
    """Looks after it and after these, before any other request."""
    priming: Priming | None = None
    """The load right before it, which is not judged."""
    restless: frozenset[Signal] = frozenset()
    """Signals that were heard to go up and down by themselves."""

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
    def start(self) -> Observation:
        """The levels before the first round."""
        return self.result.observations[0]

    @property
    def end(self) -> Observation:
        """The levels after the last round."""
        return self.result.observations[-1]

    @property
    def looks(self) -> tuple[Observation, ...]:
        """All looks from the first of these requests to the last."""
        primed = self.priming.looks if self.priming else ()
        return (*primed, *self.result.observations)

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

    def changes(self, signal: Signal) -> list[int]:
        """Return by how much *signal* changed in each round."""
        levels = [observation.level(signal) for observation in self.result.observations]
        return [after - before for before, after in pairwise(levels)]

    def idle_changes(self, signal: Signal) -> list[int]:
        """Return the changes of *signal* in the idle rounds."""
        return [change for change, dose in zip(self.changes(signal), self.doses, strict=True) if dose == 0]

    def noise(self, signal: Signal) -> float:
        """Return the median size of the changes in idle rounds, less their common drift."""
        idle = self.idle_changes(signal)
        return float(np.median(np.abs(np.array(idle) - np.median(idle)))) if idle else 0.0

    def gross(self, signal: Signal) -> float:
        """Return the most that a loaded round grew per request, be it for a while only."""
        changes = zip(self.changes(signal), self.doses, strict=True)
        return max(change / dose for change, dose in changes if dose)

    def grows_throughout(self, thresholds: Thresholds) -> bool:
        """Whether every load added more to some signal than is tolerated, and far more than time did without load."""
        changes = {signal: list(zip(self.changes(signal), self.doses, strict=True)) for signal in Signal}
        return any(
            all(
                change > thresholds.margin(signal) * dose + BESIDE_IDLE * max(abs(c) for c, d in of_signal if not d)
                for change, dose in of_signal
                if dose
            )
            for signal, of_signal in changes.items()
        )

    def has_fallen(self, signal: Signal, thresholds: Thresholds, *, floors: int = 1) -> bool:
        """Whether some round took away more than the tolerance of a loaded one, and more than so many *floors*."""
        return -min(self.changes(signal)) > max(
            floors * thresholds.floor(signal), thresholds.margin(signal) * self.dose
        )

    def has_fallen_idle(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether an idle round took away a noticeable part of the tolerance of a loaded one, and more than the floor.

        A few of these make as much noise as one that takes away all of it.
        """
        fall = -min(self.idle_changes(signal), default=0)
        return fall > max(thresholds.floor(signal), DRAINED * thresholds.margin(signal) * self.dose)

    def has_drained(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether something went away without load, or more in any round than load sets up and down."""
        return self.has_fallen_idle(signal, thresholds) or self.has_fallen(signal, thresholds, floors=TELLING)

    def swells(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether *signal* goes up without load: by more than the tolerance of a load, and no little beside falls."""
        if signal in self.restless:
            return True
        rises = sum(change for change in self.idle_changes(signal) if change > 0)
        fall = -min(self.changes(signal))
        return rises > max(thresholds.floor(signal), thresholds.margin(signal) * self.dose, SWELLING * fall)

    def has_gone_on(self, signal: Signal, thresholds: Thresholds) -> bool:
        """Whether *further* loads left much of what is tolerated of them."""
        return self.gone_on(signal, thresholds) > GONE_ON * thresholds.margin(signal)

    def gone_on(self, signal: Signal, thresholds: Thresholds) -> float:
        """Return what *further* loads left per request, by the lowest level after them, and before if it swells."""
        if not self.further:
            return 0.0
        before = (
            min(look.level(signal) for look in self.looks)
            if self.swells(signal, thresholds)
            else self.end.level(signal)
        )
        return (min(look.level(signal) for look in self.later) - before) / sum(self.further)

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
            later = self.changes(signal)[len(self.doses) // 2 :]
            noise = math.hypot(*later) / math.sqrt(len(later)) if later else math.inf
            widths.append(half_width(noise, self.dose) / thresholds.margin(signal))
        return max(widths)

    def most_alive(self, signal: Signal) -> float:
        """Return all that is alive of *signal* after the last load, per request of the later loaded rounds.

        What each of these left is among it: a bound without chance, which tells much where little is alive, such as
        goroutines that come and go. Earlier requests do not count, so that what began to leak meanwhile is not spread
        over them. Infinite for a block that is only foreseen.
        """
        if not self.result.observations:
            return math.inf
        doses = [dose for dose in (*self.doses, *self.further) if dose]
        looks = self.later if self.further else (*self.at_rest, *self.later)
        return min(look.level(signal) for look in looks) / sum(doses[len(doses) // 2 :])

    @property
    def at_rest(self) -> tuple[Observation, ...]:
        """The looks of this block after its last load."""
        loaded = [number for number, dose in enumerate(self.doses) if dose]
        return self.result.observations[loaded[-1] + 1 :]

    def followed_by(self, looks: Sequence[Observation], *, further: Sequence[int] = ()) -> Self:
        """Return this block with *looks* that came after it and after *further* loads, before any other request."""
        return replace(self, further=tuple(further), later=tuple(looks))
