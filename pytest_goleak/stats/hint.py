"""Growth that is significant, but hardly more in all than the runtime's own: does it go on?"""

from __future__ import annotations

import math

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.stats.conclusion import clean_if_proven
from pytest_goleak.stats.evidence import FADING, Evidence
from pytest_goleak.stats.schedule import DOUBLING
from pytest_goleak.stats.trial import PRIMING_LOADS, Part, Trial

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
    return is_of_heap and not block.is_telling(trial.thresholds) and _is_first_slight(trial)


def _is_first_slight(trial: Trial) -> bool:
    """Whether the latest block bounds all growth, after requests enough, and is the first one with a hint."""
    if not trial.schedule.is_enough() or len(trial.blocks) < 2:
        return False
    *_, earlier, last = trial.blocks
    is_first = bool(last.hints(trial.thresholds)) and not earlier.hints(trial.thresholds)
    return is_first and not last.unproven(trial.thresholds)


def follow(trial: Trial, block: Evidence) -> Part[Verdict | None]:
    """Prime for the next block with half as many requests as *block* had; clean if these leave clearly less.

    What is left once, or by chance, is not left again. Nothing but load comes between the looks, so they tell more
    than a block with as many requests; but not what fell meanwhile, which hides what grows. So no two of them may be
    far apart, in any signal, and idle rounds must not have fallen. Levels that never rest tell nothing so.
    """
    hints = block.hints(trial.thresholds)
    requests = max(block.requests // 2, trial.must_outlast())
    most = {signal: FADING * trial.thresholds.alarm(signal) * requests for signal in Signal}
    falls = any(-sum(block.idle_changes(signal)) > most[signal] for signal in hints)
    if trial.is_restless or falls or trial.schedule.affordable(requests, block) < requests:
        return None
    loads = max(PRIMING_LOADS, math.ceil(requests / block.dose))
    load_s = trial.schedule.most_load_s(rounds=loads, idle_share=0)
    priming = yield from trial.prime(requests, loads=loads, load_s=load_s)
    most |= {signal: max(most[signal], trial.thresholds.floor(signal)) for signal in Signal if signal not in hints}
    if priming.requests < requests or any(priming.swing(signal) > most[signal] for signal in Signal):
        return None
    trial.flat += priming.requests
    if block.suspects(trial.thresholds):
        trial.levelled_after = block.served_before + block.requests
    return clean_if_proven(trial, block, followed=hints)
