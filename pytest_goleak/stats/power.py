"""What a budget would let one see, told before it is spent: the experiment's own schedule, on noise of known size.

Pure. The noise of a round is taken as normal, which real noise is not; so these are predictions, and what a run has
seen is what its own interval says. They agree within a factor of two where the noise is that of the measured
rounds and has no heavy tails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import BLOCK_ROUNDS, IDLE_SHARE, MAX_SUSPICIONS, WARM_UP_REQUESTS, WARM_UP_S, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.randomisation import Growth, half_width
from pytest_goleak.stats.schedule import Schedule

__all__ = ["Conditions", "Power", "predict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the budget is spent on: this endpoint, of this service, on this machine."""

    rate: float
    """Requests per second that the service answers."""
    noise: Mapping[Signal, float]
    """Standard deviation of a round's change in each signal, in its unit, as ``randomisation.spread`` gives it."""
    round_cost_s: float = 0.02
    """Time that a round takes beside its load: settling and captures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a run that finds nothing can be expected to state."""

    min_detectable: Mapping[Signal, float]
    """Smallest growth per request that it would have called a leak, in the signal's unit."""
    is_decisive: bool
    """Whether ``clean`` can be proven within the budget."""
    requests: int
    """Requests that it takes."""
    seconds: float
    """Time that it takes."""
    decision_s: float
    """Time that a leak takes: the last block, once more, and the idle wait."""


def predict(plan: MeasurePlan, conditions: Conditions) -> Power:
    """Return what *plan*'s budget, idle wait and tolerance lead to under *conditions*, if nothing leaks.

    Raises:
        ValueError: the rate is not positive, or a noise is negative.

    """
    _check(conditions)
    thresholds = Thresholds(plan.tolerance)
    schedule = Schedule(budget_s=plan.budget_s, idle_s=plan.wait_s, round_cost_s=conditions.round_cost_s)
    warm_up = min(WARM_UP_REQUESTS, max(1, int(conditions.rate * WARM_UP_S)))
    schedule.warmed_up(requests=warm_up, rate=conditions.rate, elapsed_s=WARM_UP_S)
    block = _spend(schedule, schedule.first_dose(), conditions)
    dose: int | None = schedule.second_dose(block, thresholds)
    is_decisive = False
    for _ in range(MAX_SUSPICIONS):
        if dose is None or is_decisive:
            break
        block = _spend(schedule, dose, conditions)
        is_decisive = schedule.is_enough() and not block.unproven(thresholds)
        dose = schedule.larger_dose(block, thresholds, must_outlast=0)
    return Power(
        min_detectable={signal: block.min_detectable(signal, thresholds) for signal in Signal},
        is_decisive=is_decisive,
        requests=schedule.served,
        seconds=schedule.elapsed_s,
        decision_s=schedule.elapsed_s + schedule.block_s(block.dose) + schedule.idle_s,
    )


def _spend(schedule: Schedule, dose: int, conditions: Conditions) -> Evidence:
    """Return the block that *dose* is expected to give, and take its time and requests off the budget."""
    doses = (dose,) * (BLOCK_ROUNDS // 2) + (0,) * (BLOCK_ROUNDS // 2)
    block = Evidence(
        result=BlockResult(observations=(), loads=(), elapsed_s=schedule.elapsed_s),
        doses=doses,
        readings={},
        growth={signal: _nothing(half_width(conditions.noise[signal], dose)) for signal in Signal},
        served_before=schedule.served,
    )
    schedule.elapsed_s += schedule.block_s(dose, idle_share=IDLE_SHARE)
    schedule.load_s += sum(doses) / conditions.rate
    schedule.served += sum(doses)
    return block


def _nothing(half: float) -> Growth:
    return Growth(per_request=0.0, low=-half, high=half, p_value=0.5)


def _check(conditions: Conditions) -> None:
    if not conditions.rate > 0:
        raise ValueError(f"a rate of {conditions.rate} requests per second sends nothing; expected more than 0")
    for signal in Signal:
        if not conditions.noise[signal] >= 0:
            raise ValueError(f"noise of {conditions.noise[signal]} {signal.unit} per round; expected 0 or more")
