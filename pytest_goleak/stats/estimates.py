"""The figures that a verdict reports: of its blocks, and of what idle waits left of their growth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import SignalEstimate
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.kept import kept_of
from pytest_goleak.stats.rest import Rest
from pytest_goleak.stats.trial import Trial

__all__ = ["bounded_by", "estimates_of_leak"]

NOISY_SHARE = 0.1
AMPLE_GROWTH = 10
"""Half width of an interval, as a share of the growth, from which on the block before tells more; and the multiple of
the floor beside which its once-only growth does not count."""


def estimates_of_leak(
    trial: Trial, last: Evidence, signals: Collection[Signal], *, earlier: Evidence | None, rest: Rest | None
) -> dict[Signal, SignalEstimate]:
    """Return the figures of a leak of *signals*.

    Args:
        trial: under way.
        last: the block whose figures they are.
        signals: that leak.
        earlier: the block that *last* repeats, for figures that are noisy by *last* alone, or of a few requests.
        rest: the idle wait that some of the growth did not outlast; figures are those of what stayed.

    """
    estimates = trial.estimates(last, leaking=signals)
    if earlier is not None:
        estimates |= _pooled(trial, last, earlier, estimates, leaking=signals)
    if rest is not None:
        estimates |= {signal: _shifted(estimates[signal], rest.kept[signal].kept / last.requests) for signal in signals}
        estimates |= bounded_by(rest, [signal for signal in Signal if signal not in signals], last, trial.thresholds)
    return estimates | _corrected(trial, estimates)


def _pooled(
    trial: Trial,
    last: Evidence,
    earlier: Evidence,
    estimates: Mapping[Signal, SignalEstimate],
    *,
    leaking: Collection[Signal],
) -> dict[Signal, SignalEstimate]:
    """Return the figures of *last* and *earlier* together where these tell more than *estimates* of *last* alone."""
    pooled = trial.estimates(last.sharpened_by(earlier), leaking=leaking)
    return {
        signal: replace(pooled[signal], p_value=estimates[signal].p_value)  # the suspicion is no second proof
        for signal in Signal
        if (_is_sharper(pooled[signal], estimates[signal]) or last.requests < earlier.requests)
        and pooled[signal].per_request * last.requests > AMPLE_GROWTH * trial.thresholds.floor(signal)
    }


def bounded_by(
    rest: Rest, signals: Iterable[Signal], last: Evidence, thresholds: Thresholds
) -> dict[Signal, SignalEstimate]:
    """Return the figures of those of *signals* that drained: what the idle wait left of them after *last* grew."""
    return {
        signal: rest.kept[signal].estimate(last.growth[signal].p_value, thresholds.margin(signal))
        for signal in signals
        if rest.is_drained([signal])
    }


def _corrected(trial: Trial, estimates: Mapping[Signal, SignalEstimate]) -> dict[Signal, SignalEstimate]:
    """Return those of *estimates* that are too low, by what stayed after the last wait."""
    if trial.is_restless or not trial.waited:  # a single look tells nothing of levels that never rest
        return {}
    blocks = trial.unseen.rests[-1].blocks
    kept = {signal: kept_of(signal, blocks, trial.waited, trial.thresholds) for signal in estimates}
    return {
        signal: found.in_place_of(estimates[signal], trial.thresholds.margin(signal))
        for signal, found in kept.items()
        if found is not None and found.corrects(estimates[signal])
    }


def _is_sharper(pooled: SignalEstimate, estimate: SignalEstimate) -> bool:
    """Whether *estimate* is noisy, and *pooled* less so."""
    width = estimate.high - estimate.low
    return width / 2 > NOISY_SHARE * abs(estimate.per_request) and pooled.high - pooled.low < width


def _shifted(estimate: SignalEstimate, per_request: float) -> SignalEstimate:
    """Return *estimate* with its centre moved to what stayed, and its interval with it."""
    shift = per_request - estimate.per_request
    return SignalEstimate(
        per_request=per_request,
        low=estimate.low + shift,
        high=estimate.high + shift,
        p_value=estimate.p_value,
        min_detectable=estimate.min_detectable,
        outcome=estimate.outcome,
    )
