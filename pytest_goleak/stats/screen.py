"""A quick look at many endpoints at once: is there anything at all that needs a closer one?

Growth of the whole service bounds the growth of every endpoint in it, since none of them shrinks it for good: so a
mix of all that is proven clean clears each of them, for the dose that each had. Nothing else is concluded here.
"""

from __future__ import annotations

from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.step import Conversation, WarmUp, WarmUpResult
from pytest_goleak.stats.conclusion import clean_reason
from pytest_goleak.stats.design import FIRST_ROUNDS, IDLE_SHARE, WARM_UP_S, Coin
from pytest_goleak.stats.trial import Trial

__all__ = ["screen"]

FIRST_DOSE = 20
"""Requests that each endpoint gets in a loaded round of the first block, which is not judged."""

DOSES = (400, 1200)
"""Requests that each endpoint gets in a loaded round of the blocks that are judged. What grows by less than runtime
structures do, or can't be bounded, has one more chance: of mixes of six quiet endpoints, one in six needed it."""

WARM_UP_REQUESTS = 100


def screen(plan: MeasurePlan, *, name: str) -> Conversation:
    """Return the experiment on a mix of endpoints; all figures are per request of **one** of them.

    The verdict is ``clean`` or ``inconclusive``: what grows is for a closer look to judge.

    Args:
        plan: budget, seed, and the tolerance that all of the endpoints keep.
        name: of the mix, for its coin.

    """
    trial = Trial(plan, 0, Coin(f"{plan.seed}/{name}"), is_varied=False)
    warm = yield from trial.ask(WarmUp(seconds=WARM_UP_S, max_requests=WARM_UP_REQUESTS), WarmUpResult)
    trial.schedule.warmed_up(requests=warm.requests, rate=warm.rate, elapsed_s=warm.elapsed_s)
    block = yield from trial.run_block(FIRST_DOSE, rounds=FIRST_ROUNDS, idle_share=IDLE_SHARE)
    for dose in DOSES:
        if block.result.elapsed_s + trial.schedule.block_s(dose, idle_share=IDLE_SHARE) >= plan.budget_s:
            break
        block = yield from trial.run_block(dose, idle_share=IDLE_SHARE)
        if not block.unproven(trial.thresholds) and not block.rising_hints(trial.thresholds):
            return trial.verdict(Outcome.CLEAN, clean_reason(trial, block), block, growth_class=GrowthClass.FLAT)
        if block.suspects(trial.thresholds):
            break
    return trial.verdict(Outcome.INCONCLUSIVE, "something may grow", block, growth_class=GrowthClass.UNCLEAR)
