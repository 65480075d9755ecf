"""What levels that move without load cost a block: short idle rounds, or all of its sharpness."""

from __future__ import annotations

from statistics import fmean

from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.design import IDLE_SHARE, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.randomisation import half_width, spread

__all__ = ["grows_with_time", "is_blurred", "is_proven_but_for_blur", "likely_high", "too_noisy", "would_blur"]

BLUR = 0.25
"""Share of the margin that rounds of unequal length may cost."""


def would_blur(block: Evidence, thresholds: Thresholds, *, dose: int) -> bool:
    """Whether growth without load as in *block* is too large for short idle rounds beside *dose* requests."""
    missing = 1 / IDLE_SHARE - 1  # of a loaded round, in idle ones
    return any(
        missing * abs(fmean(block.idle_changes(signal))) > BLUR * thresholds.margin(signal) * dose for signal in Signal
    )


def is_blurred(block: Evidence, thresholds: Thresholds) -> bool:
    """Whether growth with time makes rounds of unequal length say less than equal ones would."""
    return grows_with_time(block, thresholds) or any(
        reading.blur > BLUR * thresholds.margin(signal) for signal, reading in block.readings.items()
    )


def grows_with_time(block: Evidence, thresholds: Thresholds) -> bool:
    """Whether rounds of unequal length leave it open if some growth is by requests or by time."""
    rising = block.rising_hints(thresholds)
    return any(signal not in rising and _may_be_time(block, signal) for signal in block.hints(thresholds))


def _may_be_time(block: Evidence, signal: Signal) -> bool:
    """Whether idle rounds grew by half of what they would if all growth were by time."""
    by_time = block.growth[signal].per_request * block.dose * IDLE_SHARE / (1 - IDLE_SHARE)
    return fmean(block.idle_changes(signal)) > by_time / 2


def is_proven_but_for_blur(block: Evidence, thresholds: Thresholds) -> bool:
    """Whether rounds of equal length would bound every signal with the same dose."""
    return all(likely_high(block, signal) < thresholds.margin(signal) for signal in block.unproven(thresholds))


def likely_high(block: Evidence, signal: Signal) -> float:
    """Return the upper bound of the growth per request that rounds of equal length would have given."""
    reading = block.readings.get(signal)  # a block that is only foreseen has none
    return reading.likely.growth_per_request().high if reading else block.growth[signal].high


def too_noisy(block: Evidence, thresholds: Thresholds, *, dose: int) -> list[Signal]:
    """Return the signals whose noise without load, as in *block*, would keep *dose* from being proven, too."""
    return [
        signal
        for signal in block.unproven(thresholds)
        # A block that is only foreseen has nothing but such noise.
        if signal not in block.readings
        or half_width(spread(block.idle_changes(signal)), dose) > thresholds.margin(signal)
    ]
