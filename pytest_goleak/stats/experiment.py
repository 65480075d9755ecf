"""The sequential experiment on one endpoint: which step comes next, and when the verdict is certain.

Pure: it yields steps and is sent their results (see :mod:`pytest_goleak.model.step`), so the same code runs against
a real service and, thousands of times, against simulated ones. The argument is in docs/explanation/verdict.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Verdict
from pytest_goleak.model.step import (
    Conversation,
    Proof,
    ProofResult,
    Snapshot,
    SnapshotResult,
    WarmUp,
    WarmUpResult,
)
from pytest_goleak.model.units import format_seconds
from pytest_goleak.stats import alive, hint
from pytest_goleak.stats.blur import may_swing, too_noisy
from pytest_goleak.stats.conclusion import clean_if_proven, inconclusive, interrupted
from pytest_goleak.stats.design import BLOCK_ROUNDS, IDLE_SHARE, WARM_UP_REQUESTS, WARM_UP_S, Coin
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.listening import listen
from pytest_goleak.stats.opening import first_judged_dose, is_growing
from pytest_goleak.stats.proof import prove
from pytest_goleak.stats.suspicion import examine, look_for_drain
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["experiment"]


def experiment(
    plan: MeasurePlan,
    *,
    sample_bytes: int = 0,
    name: str = "",
    is_varied: bool = False,
    past: Sequence[Measured] = (),
) -> Conversation:
    """Return the experiment on one endpoint.

    Args:
        plan: budget, idle wait, tolerance and seed.
        sample_bytes: mean bytes between two samples of the service's heap profile; after a leak is certain, load goes
            on until the profile has samples enough to name the site. 0 if the profile is exact.
        name: of the endpoint; each gets a coin of its own from the one seed.
        is_varied: whether its requests differ from one another; then a leak is tried with equal ones, too.
        past: earlier measurements of the same process; what these left may go away during this one.

    """
    trial = Trial(plan, sample_bytes, Coin(f"{plan.seed}/{name}"), is_varied=is_varied, past=past)
    try:
        return (yield from _conduct(trial))
    except GoleakError as failure:
        return interrupted(trial, failure)


def _conduct(trial: Trial) -> Part[Verdict]:
    warm = yield from trial.ask(WarmUp(seconds=WARM_UP_S, max_requests=WARM_UP_REQUESTS), WarmUpResult)
    trial.schedule.warmed_up(
        requests=warm.requests, rate=warm.rate, elapsed_s=warm.elapsed_s, connections=warm.connections
    )
    proof = yield from trial.ask(Proof(), ProofResult)
    trial.proven_at_start = proof.leaked
    yield from trial.ask(Snapshot(name="before"), SnapshotResult)
    trial.judged_from = trial.schedule.served
    # The first block takes up once-only growth, and scales the doses. It is never judged alone, so it is short;
    # unless the runtime can prove goroutines leaked: then it is where proof begins.
    trial.schedule.look_s = warm.observation.cost_s
    rounds = trial.schedule.first_rounds(proves=proof.leaked is not None)
    first = yield from trial.run_block(trial.schedule.first_dose(), rounds=rounds, idle_share=IDLE_SHARE)
    if (verdict := (yield from prove(trial, first, first))) is not None:
        return verdict
    look = format_seconds(warm.observation.cost_s)
    trial.last_doubt = f"a look at the levels takes {look}, and a verdict needs {BLOCK_ROUNDS} of them at least"
    dose = yield from first_judged_dose(trial, first)
    while dose is not None and trial.may_suspect:
        block = yield from trial.run_block(
            dose,
            rounds=trial.looking.rounds,
            idle_share=trial.idle_share(dose),
            is_growing=is_growing(trial),
        )
        if (verdict := (yield from _judge(trial, block))) is not None:
            return verdict
        dose = yield from _next_dose(trial)
        if (requests := _undercutting(trial, dose)) is not None:
            verdict = yield from alive.bound_by_alive(trial, trial.blocks[-1], requests)
            if verdict is not None:
                return verdict
            dose = yield from _next_dose(trial)
    return inconclusive(trial)


def _judge(trial: Trial, block: Evidence) -> Part[Verdict | None]:
    """Follow what *block* shows to a verdict; ``None`` where it takes another block."""
    suspects = block.suspects(trial.thresholds)
    verdict = None if suspects else clean_if_proven(trial, block)
    if verdict is None and hint.may_be_left_once(trial):
        verdict = yield from hint.follow(trial, block)
    if verdict is None and suspects:
        verdict = yield from examine(trial, block, suspects)
    elif verdict is None and block.unproven(trial.thresholds):
        verdict = yield from _see_through_noise(trial, block)
    return verdict


def _see_through_noise(trial: Trial, block: Evidence) -> Part[Verdict | None]:
    """See whether what keeps *block* from a verdict is outweighed by a few requests, or goes away without any."""
    quick_s = alive.QUICK_SHARE * trial.plan.budget_s
    requests = None if trial.has_listened else alive.outweighing(trial, block, seconds=quick_s)
    if requests is None:
        return (yield from look_for_drain(trial, block))
    return (yield from alive.bound_by_alive(trial, block, requests))


def _undercutting(trial: Trial, dose: int | None) -> int | None:
    """Return the requests that take less time than the next block, of *dose* requests a round, and may do instead.

    ``None`` if there are none, or levels are not known to move by themselves.
    """
    block, schedule = trial.blocks[-1], trial.schedule
    if not trial.is_restless or block.suspects(trial.thresholds):
        return None
    seconds = schedule.remaining_s if dose is None else schedule.block_s(dose)
    return alive.outweighing(trial, block, seconds=alive.LESS * seconds)


def _next_dose(trial: Trial) -> Part[int | None]:
    """Return the dose of the next block, ``None`` if none that could decide more fits into the budget.

    More requests tell more than more looks do; looks are for when the time allows no more requests.
    """
    last = trial.blocks[-1]
    is_equal = trial.starts_anew or hint.is_all_that_is_open(trial)
    dose = trial.schedule.larger_dose(last, trial.thresholds, must_outlast=trial.must_outlast(), is_equal=is_equal)
    if last.suspects(trial.thresholds):
        return dose
    if dose is not None and not trial.has_listened:
        noisy = too_noisy(last, trial.thresholds, dose=dose)
        if any(may_swing(last, signal, trial.thresholds) for signal in noisy):
            yield from listen(trial, noisy)
    if trial.is_restless and last.unproven(trial.thresholds):
        # What was not enough for a block that was read in this way is not enough for the next one.
        more = 0 if len(trial.blocks) == trial.listened_after else 2 * last.dose
        ample = max(trial.looking.ample_dose, more, math.ceil(2 * trial.must_outlast() / trial.looking.rounds))
        return trial.schedule.sharp_dose(trial.looking.needed_dose, ample, last, trial.thresholds)
    return dose
