"""How large the block is that repeats a suspicion: enough to show the growth again, in the time that is left."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.design import BLOCK_ROUNDS, TELLING, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.schedule import AMPLE, DOUBLING, LEAST_DOSE, Schedule

__all__ = ["DOUBLING_DOSE", "repeat_dose"]

LOADS = BLOCK_ROUNDS // 2
"""Loaded rounds of a block."""

LEAST_SHARE = 0.35
"""Dose of a repetition at least, as a share of the one before, where what grew has been seen to grow on and on."""

NOISES = 6
"""Multiple of the noise of a round that growth in such a dose has to be."""

MOST_OUTWEIGHING = 2
OUTWEIGHING_S = 3.0
"""Largest factor between the dose of a block and that of its repetition, to outweigh what was there before; or time
that the latter may take, if that is more. A leak loses little by it: most of that is taken off its wait."""

DOUBLING_DOSE = 1.3
DOUBLING_SHARE = 0.8
"""Mean dose of the block that repeats growth of bytes alone, as a multiple of the requests so far; and the time that it
may take, as a share of what there is but for an idle wait: if its last rounds are loaded, the load takes half as long
again as on average."""


def repeat_dose(
    schedule: Schedule, block: Evidence, suspects: Sequence[Signal], thresholds: Thresholds, *, outweighing: float
) -> int | None:
    """Return the dose that may confirm what *block* shows: the same one, or the largest that the time allows.

    If it turns out to drain, both blocks together need *outweighing* requests to be told from what was there before;
    where up to twice the dose brings these about, or one that takes no long time, it saves a second cycle. Likewise
    it has the requests that leave as much as a leak has to: with fewer, what stays would tell nothing. A leak grows as
    much per request in a smaller dose, and what follows the highest peak so far does not grow at all, so a smaller
    repetition makes no false alarm more likely; a larger one has to show as much per request, and leaves as much less
    to what fills. It must be enough to tell growth from the runtime's own; ``None`` if it can't be.
    """
    again_s = schedule.block_s(block.dose)
    if schedule.remaining_s >= again_s + schedule.idle_s - schedule.aged_s(block.duration_s / 2 + again_s):
        if tuple(suspects) == DOUBLING:
            return _doubling_dose(schedule, block, thresholds)
        least = _telling_dose(schedule, block, suspects, thresholds)
        wanted = (outweighing, _enough(block, suspects, thresholds))
        return max(least, *(_dose_for(schedule, block, requests, thresholds) for requests in wanted))
    aged_s = schedule.aged_s(block.duration_s / 2 + BLOCK_ROUNDS * schedule.latency_s)
    seconds = (schedule.remaining_s - schedule.idle_s + aged_s) / BLOCK_ROUNDS - schedule.round_cost_s
    dose = int(0.9 * seconds * schedule.rate) if seconds >= schedule.latency_s else 0
    telling = any(block.growth[signal].low * dose * LOADS > 2 * thresholds.floor(signal) for signal in suspects)
    return min(dose, block.dose) if dose >= LEAST_DOSE and telling else None


def _telling_dose(schedule: Schedule, block: Evidence, suspects: Sequence[Signal], thresholds: Thresholds) -> int:
    """Return the least dose that shows growth as in *block* again: that of *block*, where something may fill.

    Where nothing does, or drains between the rounds, growth goes on in a smaller one, and less is left to go away.
    """
    if not block.goes_on_from_priming(suspects) or block.gives_back(suspects):
        return block.dose
    needed = max(
        max(2 * TELLING * thresholds.floor(signal) / LOADS, NOISES * block.noise(signal))
        / max(block.growth[signal].low, 1e-9)
        for signal in suspects
    )
    return min(block.dose, math.ceil(max(needed, LEAST_SHARE * block.dose, schedule.at_once)))


def _enough(block: Evidence, suspects: Sequence[Signal], thresholds: Thresholds) -> float:
    """Return the requests that leave as much of one of *suspects* as a leak has to, by its growth's lower bound.

    What primed for *block* is not judged, so these requests come on top.
    """
    primed = block.sent - block.requests
    return primed + min(TELLING * thresholds.floor(signal) / max(block.growth[signal].low, 1e-9) for signal in suspects)


def _dose_for(schedule: Schedule, block: Evidence, requests: float, thresholds: Thresholds) -> int:
    """Return the dose that brings *block* and its repetition to so many *requests*; 0 if that takes a long time."""
    wanted = math.ceil(AMPLE * (requests - block.sent) / LOADS)
    seconds = max(OUTWEIGHING_S, schedule.block_s(MOST_OUTWEIGHING * block.dose))
    most = schedule.capped(max(block.dose, wanted), min(seconds, schedule.confirmable_s), block, thresholds)
    return wanted if wanted <= most else 0


def _doubling_dose(schedule: Schedule, block: Evidence, thresholds: Thresholds) -> int:
    """Return the mean dose that repeats the growth of a slice or buffer: it must grow by a part of all it has.

    Capacity grows by a quarter at least. So do the requests so far in each loaded round, if rounds grow, too.
    """
    wanted = math.ceil(DOUBLING_DOSE * schedule.served)
    seconds = DOUBLING_SHARE * (schedule.remaining_s - schedule.idle_s)
    return max(block.dose, schedule.capped(wanted, seconds, block, thresholds))
