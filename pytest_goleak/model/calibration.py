"""What runs of one and the same build against itself taught: an A/A experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome

__all__ = ["Calibration", "NoiseFloor", "Suggestion"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """How much one signal changes in rounds without requests, in its unit."""

    median: float
    """Of the sizes of the changes."""
    largest: float
    spread: float
    """Standard deviation of the changes; infinite where too few were seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Settings that suit this service on this machine, each with its reason."""

    budget_s: float
    budget_reason: str
    tolerance: Tolerance
    tolerance_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The figures of some runs of one endpoint."""

    name: str
    budget_s: float
    seeds: tuple[int, ...]
    outcomes: Mapping[Outcome, int]
    """Runs by verdict."""
    leaks_low: float
    """Lower bound of the share of runs that say *leak*: a 95 % Wilson interval."""
    leaks_high: float
    verdict_s: tuple[float, float] = (0.0, 0.0)
    """Seconds to the verdict: median and longest."""
    requests: tuple[int, int] = (0, 0)
    """Requests sent: median and most."""
    rate: float = 0.0
    """Requests per second under load, 0 where it is not known."""
    noise: Mapping[Signal, NoiseFloor] = field(default_factory=dict)
    stated: Mapping[Signal, float] = field(default_factory=dict)
    """Smallest growth per request that a run would have seen: the median of the runs that were clean."""
    predicted: Mapping[Signal, float] = field(default_factory=dict)
    """The same, as noise and rate let one expect it before a run."""
    reasons: tuple[str, ...] = ()
    """What the runs said that were not clean, each once: errors, then leaks, then the rest."""
    places: tuple[str, ...] = ()
    """Where the runs that say *leak* found it, the most frequent first."""
    suggestion: Suggestion | None = None
    """``None`` where the endpoint leaks, or could not be measured."""

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return sum(self.outcomes.values())

    def count(self, outcome: Outcome) -> int:
        """Return how many runs ended with *outcome*."""
        return self.outcomes.get(outcome, 0)

    @property
    def is_leak(self) -> bool:
        """Whether runs say *leak* and none says *clean*: then it is one, and no setting should hide it."""
        return self.count(Outcome.LEAK) > 0 and self.count(Outcome.CLEAN) == 0
