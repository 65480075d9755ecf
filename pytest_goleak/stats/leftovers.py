"""What earlier measurements of the same process may have left for a while, to go away during a later one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pytest_goleak.model.observation import Observation, Signal

__all__ = ["left_over"]


def left_over(past: Sequence[Observation], *, since_s: float, before_s: float) -> dict[Signal, float]:
    """Return the most that may have been left since one moment and be about to go away at a later one.

    What is left for a while in some stretch of time is no more than levels rose in it. Nor is it more than they rose
    from its beginning to its end, unless something older went away meanwhile and made room; and that is no more than
    was left in the stretch before. Nothing that goes away after the later moment lives longer than the two are apart,
    or the wait that asks would not see it go: so each stretch is that long.

    Args:
        past: looks at the process by earlier measurements, oldest first.
        since_s: the earlier moment, on the clock of the looks.
        before_s: the later one.

    Returns:
        For each signal, in its unit, 0 or more.

    """
    left = dict.fromkeys(Signal, 0.0)
    for stretch in _stretches(past, since_s=since_s, life_s=before_s - since_s):
        for signal in Signal:
            levels = [look.level(signal) for look in stretch]
            left[signal] = min(max(levels) - min(levels), max(0.0, levels[-1] - levels[0] + left[signal]))
    return left


def _stretches(past: Sequence[Observation], *, since_s: float, life_s: float) -> Iterator[Sequence[Observation]]:
    """Yield *past* in stretches of *life_s*, oldest first, and what comes after *since_s* as the last one.

    Each begins with the last look of the one before.
    """
    times = [look.at_s for look in past]
    ends = [len(past)]
    while ends[-1] > 0 and life_s > 0:
        ends.append(bisect_right(times, since_s))
        since_s -= life_s
    for first, end in zip(ends[:0:-1], ends[-2::-1], strict=True):
        yield past[max(0, first - 1) : end] or past[:1]
