"""What levels that move without load cost a block: short idle rounds, or all of its sharpness."""

from __future__ import annotations

import math
from statistics import fmean

from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.design import IDLE_SHARE, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.randomisation import half_width, spread

__all__ = ["grows_with_time", "is_proven_but_for_blur", "likely_high", "may_swing", "too_noisy", "would_blur"]

BLUR = 0.25
"""Share of the margin that rounds of unequal length may cost."""

EXTREME = 1.16
"""Mean of the largest of five normal values, in standard deviations: the worst of a block's idle rounds bounds it."""

LOUD = 0.5
"""Share of the floor by which an idle round may change a signal that rests; one that swings moves by all of it."""


def would_blur(block: Evidence, thresholds: Thresholds, *, dose: int) -> bool:
    """Whether changes without load as in *block* are too large for short idle rounds beside *dose* requests.

    What time adds blurs them; so does noise where both that and the interval as it would be are more than the margin.
    A block of few rounds says nothing of noise.
    """
    return any(_would_blur(block, signal, thresholds.margin(signal) * dose) for signal in Signal)


def _would_blur(block: Evidence, signal: Signal, tolerated: float) -> bool:
    missing = 1 / IDLE_SHARE - 1  # of a loaded round, in idle ones
    idle = block.idle_changes(signal)
    drift, noise = missing * abs(fmean(idle)), missing * EXTREME * spread(idle)
    likely = block.readings[signal].likely.growth_per_request()
    width = block.dose * (likely.high - likely.low) / 2  # infinite for few rounds
    return drift > BLUR * tolerated or (noise > BLUR * tolerated and tolerated < width + noise < math.inf)


def is_proven_but_for_blur(block: Evidence, thresholds: Thresholds) -> bool:
    """Whether it is growth with time that keeps *block* from a verdict: rounds of equal length would do as they were.

    They tell growth by requests from growth with time, and bound what the blur of unequal ones leaves open.
    """
    unproven = block.unproven(thresholds)
    if any(likely_high(block, signal) >= thresholds.margin(signal) for signal in unproven):
        return False
    is_blurred = any(reading.blur > BLUR * thresholds.margin(signal) for signal, reading in block.readings.items())
    return grows_with_time(block, thresholds) or (bool(unproven) and is_blurred)


def grows_with_time(block: Evidence, thresholds: Thresholds) -> bool:
    """Whether rounds of unequal length leave it open if some growth is by requests or by time."""
    rising = block.rising_hints(thresholds)
    return any(signal not in rising and _may_be_time(block, signal) for signal in block.hints(thresholds))


def _may_be_time(block: Evidence, signal: Signal) -> bool:
    """Whether idle rounds grew by half of what they would if all growth were by time."""
    by_time = block.growth[signal].per_request * block.dose * IDLE_SHARE / (1 - IDLE_SHARE)
    return fmean(block.idle_changes(signal)) > by_time / 2


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


def may_swing(block: Evidence, signal: Signal, thresholds: Thresholds) -> bool:
    """Whether an idle round changed *signal* by so much that it may never rest, so that it is worth listening to."""
    return max(map(abs, block.idle_changes(signal)), default=0) > LOUD * thresholds.floor(signal)
