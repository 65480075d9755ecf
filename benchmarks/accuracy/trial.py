"""One examination of a case: carried out as a user's run does it, and kept beside the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.accuracy.cases import Case, Truth
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Outcome

__all__ = ["Estimate", "Growth", "Method", "Place", "Trial", "trial_of"]

PLACES = 3
"""Findings of a trial that are kept: the blame is right if the first, or one of the first three, is."""


class Method(StrEnum):
    """Who judged."""

    OURS = "pytest-goleak"
    MANUAL = "manual procedure"
    COUNTS = "goroutine counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Growth per request of one signal; ``None`` is a bound that the run did not have."""

    per_request: float
    low: float | None
    high: float | None
    min_detectable: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one finding says: the function, and the rule that explains it."""

    function: str
    rule_id: str
    kind: str
    is_proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What the manual procedure reads off, for any thresholds to judge."""

    heap_bytes: float
    goroutines: int
    shows_function: bool
    """Whether the function to blame is anywhere in what there is to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One endpoint examined once, beside the truth."""

    method: Method
    case: str
    category: str
    environment: str
    truth: Truth
    concurrency: int
    seed: int
    outcome: Outcome
    duration_s: float
    reason: str = ""
    requests: int = 0
    estimates: Mapping[Signal, Estimate] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    """Of the first three findings."""
    growth: Growth | None = None
    go_version: str = ""
    load_average: float = 0.0
    """Of the machine, when the trial was over."""

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What tells trials apart: a run that is resumed skips those it has."""
        return (self.method, self.case, self.concurrency, self.seed)

    @property
    def is_right(self) -> bool:
        """Whether the outcome is the true one."""
        return self.outcome is (Outcome.LEAK if self.truth.leaks else Outcome.CLEAN)

    @property
    def is_proven(self) -> bool:
        """Whether the runtime proved the leak."""
        return any(place.is_proven for place in self.places)

    def error(self, signal: Signal) -> float:
        """Return the relative error of the estimate of *signal*, whose growth the truth declares; without its sign."""
        truth = self.truth.of(signal)
        return abs(self.estimates[signal].per_request - truth) / truth

    def blames(self, *, within: int) -> bool:
        """Whether one of the first *within* findings names a function that is to blame."""
        right = {self.truth.function, *self.truth.also}
        return any(place.function in right for place in self.places[:within])


def trial_of(
    case: Case, report: EndpointReport, *, concurrency: int, go_version: str = "", load_average: float = 0.0
) -> Trial:
    """Return the trial that *report* is of *case*."""
    return Trial(
        method=Method.OURS,
        case=case.name,
        category=case.category,
        environment=case.environment,
        truth=case.truth,
        concurrency=concurrency,
        seed=report.seed,
        outcome=report.outcome,
        duration_s=round(report.duration_s, 3),
        reason=report.reason,
        requests=report.requests,
        estimates={
            signal: Estimate(
                per_request=_short(each.per_request) or 0.0,
                low=_short(each.low),
                high=_short(each.high),
                min_detectable=_short(each.min_detectable),
            )
            for signal, each in report.signals.items()
        },
        places=tuple(
            Place(function=each.function, rule_id=each.rule_id, kind=each.kind, is_proven=each.proven)
            for each in report.findings[:PLACES]
        ),
        go_version=go_version,
        load_average=load_average,
    )


def _short(figure: float) -> float | None:
    """Return *figure* with six digits, which are more than were measured; JSON has no infinities."""
    return float(f"{figure:.6g}") if math.isfinite(figure) else None
