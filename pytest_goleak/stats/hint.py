"""Growth that is significant, but too little in all to be told from the runtime's own: does it go on?"""

from __future__ import annotations

from pytest_goleak.model.report import Verdict
from pytest_goleak.stats.conclusion import clean_if_proven
from pytest_goleak.stats.evidence import FADING, Evidence
from pytest_goleak.stats.schedule import DOUBLING
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["follow", "is_all_that_is_open"]

LOADS = 2
"""Loads that follow a hint, with half as many requests together as its block had: what is left once, or by chance, is
not left again. All that comes between two looks is the load, so they tell as much as twice the requests in a block."""


def is_all_that_is_open(trial: Trial) -> bool:
    """Whether all that the latest block leaves open is a hint, the first one."""
    if not trial.schedule.is_enough() or len(trial.blocks) < 2:
        return False
    *_, earlier, last = trial.blocks
    is_all = not (last.unproven(trial.thresholds) or last.suspects(trial.thresholds))
    return is_all and bool(last.hints(trial.thresholds)) and not earlier.hints(trial.thresholds)


def follow(trial: Trial, block: Evidence) -> Part[Verdict | None]:
    """Send more load after *block*, whose hints are all that is open; clean if that leaves clearly less.

    Neither may levels fall by as much: what falls hides what grows. Bytes alone are not followed so, since what grows
    in ever rarer steps is flat for a while; nor are levels that never rest.
    """
    hints = block.hints(trial.thresholds)
    requests = block.requests // 2
    if trial.is_restless or hints == DOUBLING or trial.schedule.affordable(requests, block) < requests:
        return None
    result = yield from trial.send(requests, loads=LOADS)
    before, after = result.observations[0], result.observations[-1]
    sent = sum(result.doses)
    goes_on = any(
        abs(after.level(signal) - before.level(signal)) > FADING * trial.thresholds.alarm(signal) * sent
        for signal in hints
    )
    return None if goes_on else clean_if_proven(trial, block, followed=hints)
