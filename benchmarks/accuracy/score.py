"""From trials to figures: shares with Wilson intervals, blame, hints, estimates, limits, times. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import binomtest

from benchmarks.accuracy.trial import Estimate, Method, Trial
from pytest_goleak.findings.hints import fallback
from pytest_goleak.findings.hints.rule import Rule
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome

__all__ = [
    "ESTIMATED_FROM_BYTES",
    "FALLBACKS",
    "MAX_ERROR",
    "EstimateScore",
    "LimitScore",
    "Score",
    "Share",
    "Spread",
    "share",
    "spread_of",
]

FALLBACKS = frozenset(each.id for each in vars(fallback).values() if isinstance(each, Rule))
"""Rules that say what is known where no cause is: as hints they count neither as right nor as wrong."""

MAX_ERROR = 0.1
"""Relative error of an estimate that counts as right."""

ESTIMATED_FROM_BYTES = 64.0
"""Leaks from this size on are to be estimated within :data:`MAX_ERROR`; goroutine leaks are, always."""

TRUTH_SLACK = 0.01
"""The truth is a mean over many requests, itself known to a hundredth: an interval that misses it by less covers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """*hits* of *total*, with the 95 % Wilson interval of the share."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, ``None`` where there was nothing to count."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share: from 0 to 1 where there was nothing to count."""
        if not self.total:
            return (0.0, 1.0)
        found = binomtest(self.hits, self.total).proportion_ci(method="wilson")
        return (float(found.low), float(found.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Where figures lie; ``None`` where there are none."""

    count: int
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateScore:
    """Estimates of growth per request beside the true growth."""

    error: Spread
    """Relative, without its sign."""
    within: Share
    """Errors of at most :data:`MAX_ERROR`."""
    covered: Share
    """Intervals that contain the truth, see :data:`TRUTH_SLACK`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitScore:
    """The smallest leaks of one signal, in its unit per request."""

    smallest: float | None
    """In the trials."""
    smallest_found: float | None
    stated: Spread
    """Smallest leak that would have been seen, as reported with ``clean``."""
    overlooked: Share
    """Leaks larger than the report says it would have seen that it calls clean."""


@dataclass(frozen=True)
class Score:
    """All figures of some trials of one method."""

    trials: Sequence[Trial]

    # --- verdicts ---------------------------------------------------------------------------------------------------

    @cached_property
    def leaking(self) -> list[Trial]:
        """Trials of endpoints that leak."""
        return [each for each in self.trials if each.truth.leaks]

    @cached_property
    def clean(self) -> list[Trial]:
        """Trials of endpoints that do not."""
        return [each for each in self.trials if not each.truth.leaks]

    @cached_property
    def found(self) -> list[Trial]:
        """Trials that found a leak which is there."""
        return [each for each in self.leaking if each.outcome is Outcome.LEAK]

    @property
    def sensitivity(self) -> Share:
        """Leaks that are called leaks; what is not decided counts as missed."""
        return Share(hits=len(self.found), total=len(self.leaking))

    @property
    def specificity(self) -> Share:
        """Clean endpoints that are called clean; what is not decided counts as missed."""
        return share(each.outcome is Outcome.CLEAN for each in self.clean)

    @property
    def false_alarms(self) -> Share:
        """Clean endpoints that are called leaks."""
        return share(each.outcome is Outcome.LEAK for each in self.clean)

    @property
    def inconclusive(self) -> Share:
        """Of all trials."""
        return share(each.outcome is Outcome.INCONCLUSIVE for each in self.trials)

    @property
    def errors(self) -> Share:
        """Trials that could not measure, of all."""
        return share(each.outcome is Outcome.ERROR for each in self.trials)

    # --- diagnosis --------------------------------------------------------------------------------------------------

    def blamed(self, *, within: int, goroutines: bool | None = None) -> Share:
        """Return how many of the leaks found have the true function among the first *within* findings.

        Args:
            within: 1 for the top finding alone.
            goroutines: only leaks of goroutines, or only those of memory alone; ``None`` is all.

        """
        return share(
            each.blames(within=within)
            for each in self.found
            if each.truth.function and goroutines in (None, each.truth.goroutines > 0)
        )

    @property
    def hints(self) -> Share:
        """Top findings with a specific cause that is a true one, where the corpus declares causes."""
        return share(each.places[0].rule_id in each.truth.causes for each in self.found if _is_hinted(each))

    @property
    def hinted(self) -> Share:
        """Leaks found with declared causes whose top finding has a specific cause at all."""
        return share(_is_hinted(each) for each in self.found if each.truth.causes)

    @property
    def misled(self) -> list[Trial]:
        """Leaks found whose top finding has the wrong function, or a specific cause that is none."""
        return [
            each
            for each in self.found
            if (each.truth.function and not each.blames(within=1))
            or (_is_hinted(each) and each.places[0].rule_id not in each.truth.causes)
        ]

    # --- figures ----------------------------------------------------------------------------------------------------

    def estimates(self, signals: Collection[Signal] = tuple(Signal)) -> EstimateScore:
        """Return how good the estimates of the leaks found are, on those of *signals* whose growth the truth declares.

        Leaks of less than :data:`ESTIMATED_FROM_BYTES` without goroutines are left out.
        """
        chosen = [(trial, signal) for trial, signal in self._estimated() if signal in signals]
        errors = [trial.error(signal) for trial, signal in chosen]
        return EstimateScore(
            error=spread_of(errors),
            within=share(error <= MAX_ERROR for error in errors),
            covered=share(_covers(trial.estimates[signal], trial.truth.of(signal)) for trial, signal in chosen),
        )

    @property
    def misjudged(self) -> list[tuple[Trial, Signal]]:
        """Estimates that are off by more than :data:`MAX_ERROR`."""
        return [(trial, signal) for trial, signal in self._estimated() if trial.error(signal) > MAX_ERROR]

    def _estimated(self) -> list[tuple[Trial, Signal]]:
        return [
            (trial, signal)
            for trial in self.found
            if trial.truth.bytes >= ESTIMATED_FROM_BYTES or trial.truth.goroutines
            for signal in Signal
            if trial.truth.of(signal) and signal in trial.estimates
        ]

    def limits(self, signal: Signal) -> LimitScore:
        """Return the smallest leaks of *signal*, there and found, beside what reports say they would have seen."""
        passed = [each for each in self.clean if each.outcome is Outcome.CLEAN and signal in each.estimates]
        stated = [each.estimates[signal].min_detectable for each in passed]
        visible = [each for each in self.leaking if _is_visible(each, signal)]
        return LimitScore(
            smallest=min((each.truth.of(signal) for each in self.leaking if each.truth.of(signal)), default=None),
            smallest_found=min((each.truth.of(signal) for each in self.found if each.truth.of(signal)), default=None),
            stated=spread_of(each for each in stated if each is not None),
            overlooked=share(each.outcome is Outcome.CLEAN for each in visible),
        )

    # --- cost -------------------------------------------------------------------------------------------------------

    @property
    def clean_s(self) -> Spread:
        """Seconds to a verdict on clean endpoints."""
        return spread_of(each.duration_s for each in self.clean)

    @property
    def leak_s(self) -> Spread:
        """Seconds to a verdict on leaks that the runtime did not prove."""
        return spread_of(each.duration_s for each in self.leaking if not each.is_proven)

    @property
    def proven_s(self) -> Spread:
        """Seconds to a verdict on leaks that the runtime proved."""
        return spread_of(each.duration_s for each in self.leaking if each.is_proven)

    def of(self, method: Method) -> Score:
        """Return the score of the trials of *method* alone."""
        return Score([each for each in self.trials if each.method is method])


def share(flags: Iterable[bool]) -> Share:
    """Return how many of *flags* are true."""
    listed = list(flags)
    return Share(hits=sum(listed), total=len(listed))


def spread_of(figures: Iterable[float]) -> Spread:
    """Return median and 95th percentile of *figures*, interpolated."""
    listed = list(figures)
    if not listed:
        return Spread(count=0, median=None, p95=None)
    median, p95 = np.quantile(listed, [0.5, 0.95])
    return Spread(count=len(listed), median=float(median), p95=float(p95))


def _is_hinted(trial: Trial) -> bool:
    """Whether the top finding has a specific cause, and the corpus says which ones are right."""
    return bool(trial.truth.causes and trial.places) and trial.places[0].rule_id not in FALLBACKS


def _covers(estimate: Estimate, truth: float) -> bool:
    low = estimate.low if estimate.low is not None else -np.inf
    high = estimate.high if estimate.high is not None else np.inf
    return bool(low <= truth * (1 + TRUTH_SLACK) and high >= truth * (1 - TRUTH_SLACK))


def _is_visible(trial: Trial, signal: Signal) -> bool:
    """Whether the leak is one that the report says it would have seen."""
    estimate = trial.estimates.get(signal)
    return (
        estimate is not None
        and estimate.min_detectable is not None
        and trial.truth.of(signal) >= estimate.min_detectable
    )
