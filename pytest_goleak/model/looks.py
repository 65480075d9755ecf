"""How a level is read where it may not rest: from how many observations, and which of them counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from statistics import fmean

from pytest_goleak.model.observation import Observation, Signal

__all__ = ["ONE_LOOK", "Looks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The observations that make up one level."""

    most: int = 1
    """Largest number of them."""
    is_least: bool = False
    """Whether the lowest counts for each signal, which is steady where memory swells and is dropped; else the mean."""
    falls: Mapping[Signal, float] = field(default_factory=dict)
    """Falls, in the signal's unit, of which the first one of each signal ends the reading: what swells and is dropped
    is at its lowest then. Where it is empty, only :attr:`most` ends it."""

    def are_over(self, seen: Sequence[Observation]) -> bool:
        """Whether *seen* is all that has to be seen."""
        return len(seen) >= self.most or (
            bool(self.falls)
            and all(_has_fallen([each.level(signal) for each in seen], by) for signal, by in self.falls.items())
        )

    def read(self, seen: Sequence[Observation]) -> Observation:
        """Return the levels that *seen* stand for, at the moment of the last of them."""
        pick: Callable[[Iterable[int]], float] = min if self.is_least else fmean
        return replace(
            seen[-1],
            heap_bytes=round(pick(each.heap_bytes for each in seen)),
            heap_objects=round(pick(each.heap_objects for each in seen)),
            goroutines=round(pick(each.goroutines for each in seen)),
        )


ONE_LOOK = Looks()
"""The level of a service that rests."""


def _has_fallen(levels: Sequence[float], by: float) -> bool:
    """Whether some level was so far below the highest one before it."""
    return any(highest - level >= by for highest, level in zip(accumulate(levels, max), levels, strict=True))
