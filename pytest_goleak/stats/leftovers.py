"""What earlier measurements of the same process may have left for a while, to go away during a later one."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal

__all__ = ["left_over"]


def left_over(past: Sequence[Measured], *, before_s: float, life_s: float) -> dict[Signal, float]:
    """Return the most that earlier measurements may have left that is there at a moment and goes away later.

    No more than the verdicts of the measurements in that time allow, and no more than the levels that they saw.

    Args:
        past: earlier measurements of the process, oldest first.
        before_s: the moment, on the clock of their looks.
        life_s: longest time that anything is left for before it goes away.

    Returns:
        For each signal, in its unit, 0 or more.

    """
    recent = [each for each in past if each.looks[-1].at_s > before_s - life_s]
    seen = _seen([look for each in past for look in each.looks], before_s=before_s, life_s=life_s)
    return {
        signal: min(most, sum(each.most_left.get(signal, math.inf) for each in recent)) for signal, most in seen.items()
    }


def _seen(looks: Sequence[Observation], *, before_s: float, life_s: float) -> dict[Signal, float]:
    """Return the most that the levels allow.

    Of what was left in some stretch of time there is no more at its end than levels rose in it, taken from look to
    look. Nor is there more than they stand higher at its end than at its beginning, unless something older went away
    meanwhile and made room; and that is no more than was left before. Before the first look nothing was.
    """
    left = dict.fromkeys(Signal, 0.0)
    for stretch in _stretches(looks, before_s - life_s, life_s):
        for signal in Signal:
            changes = [after.level(signal) - before.level(signal) for before, after in pairwise(stretch)]
            rises = sum(change for change in changes if change > 0)
            left[signal] = min(rises, max(0.0, sum(changes) + left[signal]))
    return left


def _stretches(looks: Sequence[Observation], since_s: float, life_s: float) -> Iterator[Sequence[Observation]]:
    """Yield *looks* in stretches of *life_s*, oldest first, the last of which is what comes after *since_s*.

    Each begins with the last look of the one before, so that no change is between two of them.
    """
    times = [look.at_s for look in looks]
    ends = [len(looks)]
    while ends[-1] > 0 and life_s > 0:
        ends.append(bisect_right(times, since_s))
        since_s -= life_s
    for first, end in zip(ends[:0:-1], ends[-2::-1], strict=True):
        yield looks[max(0, first - 1) : end]
