"""Growth that is significant, but hardly more in all than the runtime's own: does it go on?"""

from __future__ import annotations

import math

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.stats.conclusion import clean_if_proven
from pytest_goleak.stats.evidence import FADING, Evidence
from pytest_goleak.stats.schedule import DOUBLING
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["follow", "is_all_that_is_open", "may_be_left_once"]


def is_all_that_is_open(trial: Trial) -> bool:
    """Whether all that the latest block leaves open is a hint, the first one."""
    return not trial.blocks[-1].suspects(trial.thresholds) and _is_first_slight(trial)


def may_be_left_once(trial: Trial) -> bool:
    """Whether all that the latest block leaves open is growth of the heap, the first one, that tables fill by as well.

    Goroutines are left once by nothing, and bytes alone, which may grow in ever rarer steps, are flat in between.
    """
    block = trial.blocks[-1]
    hints, suspects = block.hints(trial.thresholds), block.suspects(trial.thresholds)
    is_of_heap = DOUBLING not in (hints, suspects) and Signal.GOROUTINES not in hints
    return is_of_heap and not (suspects and block.is_telling(trial.thresholds)) and _is_first_slight(trial)


def _is_first_slight(trial: Trial) -> bool:
    if not trial.schedule.is_enough() or len(trial.blocks) < 2:
        return False
    *_, earlier, last = trial.blocks
    is_first = bool(last.hints(trial.thresholds)) and not earlier.hints(trial.thresholds)
    return is_first and not last.unproven(trial.thresholds)


def follow(trial: Trial, block: Evidence) -> Part[Verdict | None]:
    """Prime for the next block with half as many requests as *block* had; clean if these leave clearly less.

    What is left once, or by chance, is not left again. Nothing but load comes between the looks, so they tell more
    than a block with as many requests. Neither may levels fall by as much: what falls hides what grows. Levels that
    never rest tell nothing so.
    """
    requests = max(block.requests // 2, trial.must_outlast())
    if trial.is_restless or trial.schedule.affordable(requests, block) < requests:
        return None
    priming = yield from trial.prime(requests, load_s=math.inf)
    hints = block.hints(trial.thresholds)
    most = {signal: FADING * trial.thresholds.alarm(signal) * priming.requests for signal in hints}
    if any(abs(priming.grown(signal)) > most[signal] for signal in hints):
        return None
    trial.flat += priming.requests
    return clean_if_proven(trial, block, followed=hints)
