"""Runs of the same build against itself, summed up: false alarms, noise, power, and the settings that follow."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from scipy.stats import binomtest

from pytest_goleak.model.calibration import Calibration, NoiseFloor, Suggestion
from pytest_goleak.model.growth import Point
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.model.units import format_seconds
from pytest_goleak.stats import wording
from pytest_goleak.stats.design import FIRST_ROUNDS
from pytest_goleak.stats.power import Conditions, Power, predict
from pytest_goleak.stats.randomisation import spread

__all__ = ["calibrate", "conditions_of", "idle_changes"]

BUDGETS_S = (10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300)
"""Budgets that are suggested; one longer than these would rather be a wider tolerance."""

SLACK = 1.5
"""Room above what the runs here took: the next machine is slower, or busier."""

Runs = Sequence[EndpointReport]


def calibrate(runs: Runs, plan: MeasurePlan, *, rate: float) -> Calibration:
    """Return what *runs* of one endpoint under *plan*, each with a seed of its own, say about it.

    Args:
        runs: in the order of their seeds.
        plan: that all of them followed.
        rate: requests per second under load; 0 where it is not known, and nothing can be foretold.

    Raises:
        ValueError: there are no runs.

    """
    if not runs:
        raise ValueError("no run to calibrate by; expected at least 1")
    outcomes = Counter(run.outcome for run in runs)
    leaks = binomtest(outcomes[Outcome.LEAK], len(runs)).proportion_ci(method="wilson")
    conditions = conditions_of(runs, rate)
    power = predict(plan, conditions) if conditions else None
    clean = [run for run in runs if run.is_clean]
    durations, requests = [run.duration_s for run in runs], [run.requests for run in runs]
    calibration = Calibration(
        name=runs[0].name,
        budget_s=plan.budget_s,
        seeds=tuple(run.seed for run in runs),
        outcomes=outcomes,
        leaks_low=float(leaks.low),
        leaks_high=float(leaks.high),
        verdict_s=(median(durations), max(durations)),
        requests=(round(median(requests)), max(requests)),
        rate=conditions.rate if conditions else 0.0,
        noise={signal: _floor(idle_changes(runs, signal)) for signal in Signal} if conditions else {},
        stated={s: median(run.signals[s].min_detectable for run in clean) for s in Signal} if clean else {},
        predicted=power.min_detectable if power else {},
        reasons=_reasons(runs),
        places=_places(runs),
    )
    return dataclasses.replace(calibration, suggestion=_suggest(calibration, plan, conditions, power))


# --- noise and pace -------------------------------------------------------------------------------------------------


def conditions_of(runs: Runs, rate: float) -> Conditions | None:
    """Return noise and pace as *runs* met them at *rate*, ``None`` where they kept no series that tells."""
    noise = {signal: spread(idle_changes(runs, signal)) for signal in Signal}
    costs_s = [
        after.at_s - before.at_s - (after.requests - before.requests) / rate
        for run in runs
        for before, after in _steps(run)
        if after.requests > before.requests and rate > 0
    ]
    if not costs_s or not all(math.isfinite(sd) for sd in noise.values()):
        return None
    return Conditions(rate=rate, noise=noise, round_cost_s=max(0.001, median(costs_s)))


def idle_changes(runs: Runs, signal: Signal) -> list[float]:
    """Return how *signal* changed from look to look without a request in between.

    Where the runs say that something drained, these changes are not noise: such runs count only if there are no others.
    """
    steady = [run for run in runs if run.outcome is not Outcome.LEAK and run.drained_in_s is None] or runs
    return [
        float(after.level(signal) - before.level(signal))
        for run in steady
        for before, after in _steps(run)
        if after.requests == before.requests
    ]


def _steps(run: EndpointReport) -> Iterator[tuple[Point, Point]]:
    """Yield each level with the next one, from the second block on: the first takes up once-only growth."""
    return pairwise(run.series[FIRST_ROUNDS + 1 :])


def _floor(changes: Sequence[float]) -> NoiseFloor:
    sizes = [abs(change) for change in changes]
    return NoiseFloor(median=median(sizes), largest=max(sizes), spread=spread(changes))


def _reasons(runs: Runs) -> tuple[str, ...]:
    weight = {Outcome.ERROR: 0, Outcome.LEAK: 1, Outcome.INCONCLUSIVE: 2}
    doubtful = sorted((run for run in runs if not run.is_clean), key=lambda run: weight[run.outcome])
    return tuple(dict.fromkeys(run.reason for run in doubtful))


def _places(runs: Runs) -> tuple[str, ...]:
    found = Counter(run.findings[0].location for run in runs if run.outcome is Outcome.LEAK and run.findings)
    return tuple(place for place, _ in found.most_common())


# --- settings -------------------------------------------------------------------------------------------------------


def _suggest(
    calibration: Calibration, plan: MeasurePlan, conditions: Conditions | None, power: Power | None
) -> Suggestion | None:
    if calibration.count(Outcome.LEAK) or calibration.count(Outcome.ERROR):
        # Wider settings would hide what has to be looked at first.
        return None
    budget_s, budget_reason = _budget(calibration, plan, conditions, power)
    longer = dataclasses.replace(plan, budget_s=budget_s, idle_s=plan.wait_s)
    tolerance, tolerance_reason = _tolerance(calibration, longer, conditions)
    return Suggestion(
        budget_s=budget_s, budget_reason=budget_reason, tolerance=tolerance, tolerance_reason=tolerance_reason
    )


def _budget(
    calibration: Calibration, plan: MeasurePlan, conditions: Conditions | None, power: Power | None
) -> tuple[float, str]:
    """Return a budget, never less than the present one: what is certain earlier ends earlier anyway."""
    slowest = calibration.verdict_s[1]
    undecided = calibration.count(Outcome.INCONCLUSIVE)
    if not undecided:
        needed_s = SLACK * max(slowest, power.decision_s if power else 0.0)
        leak = f", and a leak would take about {format_seconds(power.decision_s)}" if power else ""
        reason = f"clean took {format_seconds(slowest)} at most{leak}"
        return (plan.budget_s if needed_s <= plan.budget_s else _next_budget(needed_s, plan.budget_s)), reason
    for budget_s in (float(budget) for budget in BUDGETS_S if budget > plan.budget_s):
        if conditions is None:
            break
        longer = predict(dataclasses.replace(plan, budget_s=budget_s), conditions)
        if longer.is_decisive and SLACK * longer.seconds <= budget_s:
            return budget_s, f"{undecided} of {calibration.runs} runs were inconclusive within {plan.budget_s:g} s"
    doubled = _next_budget(2 * plan.budget_s, plan.budget_s)
    return (
        doubled,
        f"{undecided} of {calibration.runs} runs were inconclusive; no budget that is reasonable decides all",
    )


def _next_budget(needed_s: float, present_s: float) -> float:
    return next((float(budget) for budget in BUDGETS_S if budget >= needed_s), max(present_s, BUDGETS_S[-1]))


def _tolerance(calibration: Calibration, plan: MeasurePlan, conditions: Conditions | None) -> tuple[Tolerance, str]:
    """Return a tolerance, never smaller than the present one, that *plan*'s budget can prove."""
    present = plan.tolerance
    if not calibration.count(Outcome.INCONCLUSIVE) or conditions is None:
        least = _listed(calibration.stated)
        return present, f"growth from {least} per request on is seen" if least else "nothing speaks against it"
    if predict(plan, conditions).is_decisive:
        return present, "with that budget this noise lets it be proven"
    widened = dataclasses.replace(plan, tolerance=_widened(plan, conditions))
    missed = [s for s in Signal if widened.tolerance.of(s) > present.of(s)]
    noise = _listed({signal: conditions.noise[signal] for signal in missed})
    return widened.tolerance, f"noise of {noise} per round hides growth below it"


def _widened(plan: MeasurePlan, conditions: Conditions) -> Tolerance:
    """Return the present tolerance, wider in the signals whose noise asks for that."""
    visible = predict(plan, conditions).min_detectable
    wanted = {
        signal: plan.tolerance.of(signal)
        if visible[signal] <= plan.tolerance.of(signal)
        else _rounded_up(SLACK * visible[signal])
        for signal in Signal
    }
    return Tolerance(
        bytes=wanted[Signal.HEAP_BYTES],
        objects=wanted[Signal.HEAP_OBJECTS],
        goroutines=wanted[Signal.GOROUTINES],
    )


def _rounded_up(figure: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 … (and 0.1, 0.2, 0.5 …) that is not below *figure*."""
    power = 10.0 ** math.floor(math.log10(figure))
    return next(float(f"{step * power:.1g}") for step in (1, 2, 5, 10) if step * power >= figure * (1 - 1e-9))


def _listed(figures: Mapping[Signal, float]) -> str:
    parts = [wording.amount(signal, figure) for signal, figure in figures.items() if math.isfinite(figure)]
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
