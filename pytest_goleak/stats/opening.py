"""Before the first judged block: how large it is to be, and what primes for it."""

from __future__ import annotations

import math

from pytest_goleak.stats.design import BLOCK_ROUNDS, IDLE_SHARE, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.priming import Priming
from pytest_goleak.stats.schedule import AMPLE, LEAST_DOSE, Schedule
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["first_judged_dose", "is_growing"]

LOADS = BLOCK_ROUNDS // 2
"""Loaded rounds of a block."""

PRIMING_SHARE = 0.5
"""Share of the requests of the first judged block that priming for it may take."""

PRIMING_S = 0.3
"""Time that this may take: what grows in ever rarer steps has most of them among the first requests, and is not to have
had them all where requests are dear."""

DOUBLES = 1.1
"""Requests of that block at least, as a multiple of all before it: what doubles has a step in it then."""

GROWING_DOSE = 0.65
"""Mean dose of that block, as a multiple of the requests so far, where bytes alone grew in the priming."""


def first_judged_dose(trial: Trial, first: Evidence) -> Part[int | None]:
    """Return the dose of the first judged block, once it is primed for; ``None`` if none fits into the budget."""
    dose = trial.schedule.second_dose(first, trial.thresholds)
    if dose is None or not (requests := priming_requests(trial.schedule, dose, first, trial.thresholds)):
        return dose
    priming = yield from trial.prime(requests, load_s=2 * PRIMING_S)
    return _primed_dose(trial.schedule, dose, priming, first, trial.thresholds)


def is_growing(trial: Trial) -> bool:
    """Whether the next block is the first judged one, and bytes alone grew while primed for it."""
    priming = trial.priming
    return len(trial.blocks) == 1 and priming is not None and priming.is_of_bytes_alone(trial.thresholds)


def priming_requests(schedule: Schedule, dose: int, first: Evidence, thresholds: Thresholds) -> int:
    """Return how many requests of the first judged block, of that *dose*, are to be sent before it.

    Where *first* grew with every load, something may fill: what is full when the block begins needs no second one.
    What is left of the block must be decisive.
    """
    if not first.grows_throughout(thresholds):
        return 0
    judged = max((1 - PRIMING_SHARE) * dose, AMPLE * thresholds.decisive, schedule.at_once)
    beside_doubling = (LOADS * dose - DOUBLES * schedule.served) / (1 + DOUBLES)
    return max(0, int(min(LOADS * (dose - judged), beside_doubling, PRIMING_S * schedule.rate)))


def _primed_dose(
    schedule: Schedule, dose: int, priming: Priming, first: Evidence, thresholds: Thresholds
) -> int | None:
    """Return what is left of *dose* after *priming*; more, for rounds that grow, if bytes alone grew in it.

    ``None`` if the service turned out to be too slow for a block.
    """
    spared = priming.requests // LOADS
    wanted = dose - spared
    if priming.is_of_bytes_alone(thresholds):
        wanted = max(wanted, math.ceil(GROWING_DOSE * schedule.served))
    dose = max(LEAST_DOSE, schedule.capped(wanted + spared, schedule.share_s(), first, thresholds) - spared)
    return dose if schedule.remaining_s > 0.9 * schedule.block_s(dose, idle_share=IDLE_SHARE) else None
