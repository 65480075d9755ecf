"""What is foretold before a run, against the formulas and against what the real experiment then states."""

import dataclasses
import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation import CLEAN, SimulatedService
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import EndpointReport
from pytest_goleak.stats.calibration import conditions_of
from pytest_goleak.stats.design import Coin
from pytest_goleak.stats.experiment import experiment
from pytest_goleak.stats.power import Conditions, predict
from pytest_goleak.stats.randomisation import analyse, half_width, spread

QUIET = dict.fromkeys(Signal, 0.0)

noises = st.fixed_dictionaries(
    {
        Signal.HEAP_BYTES: st.floats(0, 1e8),
        Signal.HEAP_OBJECTS: st.floats(0, 1e5),
        Signal.GOROUTINES: st.floats(0, 1e3),
    }
)
plans = st.builds(
    MeasurePlan,
    budget_s=st.floats(2, 600),
    idle_s=st.one_of(st.none(), st.floats(0.1, 30)),
    tolerance=st.builds(
        Tolerance, bytes=st.floats(1, 1e6), objects=st.floats(1e-3, 1e3), goroutines=st.floats(1e-4, 10)
    ),
)


def conditions(noise=QUIET, rate=8000.0, cost=0.02):
    return Conditions(rate=rate, noise=noise, round_cost_s=cost)


def run(name, seed):
    """Return the report of one simulated service, as an endpoint's."""
    service = SimulatedService(CLEAN[name](np.random.default_rng(seed)), seed=seed, rate=8000)
    trial = experiment(MeasurePlan(seed=seed))
    step = next(trial)
    while True:
        try:
            step = trial.send(service.perform(step))
        except StopIteration as end:
            verdict = end.value
            return EndpointReport(
                id="x",
                name="GET /x",
                method="GET",
                path="/x",
                outcome=verdict.outcome,
                reason=verdict.reason,
                duration_s=service.world.now,
                requests=verdict.requests,
                signals=verdict.signals,
                series=verdict.series,
                drained_in_s=verdict.drained_in_s,
                seed=seed,
            )


@pytest.mark.parametrize("rounds", [8, 10])
@pytest.mark.parametrize("levels", [True, False], ids=["noise of levels", "noise of changes"])
def test_the_half_width_is_that_of_the_exact_test(levels, rounds):
    rng = np.random.default_rng(1)
    widths, sds = [], []
    for number in range(120):
        noise = rng.normal(0, 1000, rounds + 1)
        readings = noise if levels else np.cumsum(noise)
        growth = analyse(readings, Coin(str(number)).doses(100, rounds=rounds)).growth_per_request()
        widths.append((growth.high - growth.low) / 2)
        sds.append(np.std(np.diff(readings), ddof=1))

    assert half_width(float(np.mean(sds)), 100, rounds=rounds) == pytest.approx(median(widths), rel=0.15)


@pytest.mark.parametrize("name", ["quiet", "gaussian 36 KiB", "random walk"])
def test_runs_state_what_was_foretold_within_a_factor_of_two(name):
    runs = [run(name, seed) for seed in range(1, 20)]
    found = conditions_of(runs, 8000)
    foretold = predict(MeasurePlan(), found)

    assert found.rate == 8000
    assert foretold.is_decisive
    for signal in Signal:
        stated = median(each.signals[signal].min_detectable for each in runs)
        assert stated / 2 <= foretold.min_detectable[signal] <= 2 * stated
    durations = median(each.duration_s for each in runs)
    assert durations / 2 <= foretold.seconds <= 2 * durations


@given(plan=plans, noise=noises, rate=st.floats(1, 50_000), cost=st.floats(0.001, 2))
def test_a_decisive_run_sees_the_tolerance_and_its_figures_are_finite(plan, noise, rate, cost):
    power = predict(plan, conditions(noise, rate, cost))

    for signal in Signal:
        assert 0 < power.min_detectable[signal] < math.inf
        if power.is_decisive:
            assert power.min_detectable[signal] <= plan.tolerance.of(signal)
    assert power.requests > 0
    assert power.decision_s > power.seconds > 0


@given(noise=st.floats(0, 1e9), more=st.floats(0, 1e9), dose=st.integers(1, 10**6))
def test_the_half_width_grows_with_noise_and_shrinks_with_the_dose(noise, more, dose):
    assert half_width(noise + more, dose) >= half_width(noise, dose) >= half_width(noise, 2 * dose)


@given(st.lists(st.integers(-1000, 1000), min_size=2), st.integers(-1000, 1000))
def test_the_spread_ignores_a_common_drift(changes, drift):
    assert spread([change + drift for change in changes]) == pytest.approx(spread(changes))


def test_a_quiet_fast_endpoint_reaches_the_alarm_level():
    power = predict(MeasurePlan(), conditions())

    assert power.is_decisive
    assert power.min_detectable[Signal.HEAP_BYTES] == 16
    assert power.requests >= 8000
    assert power.seconds < 10


def test_noise_beyond_the_budget_is_not_decisive_and_a_larger_budget_is():
    noisy = conditions(QUIET | {Signal.HEAP_BYTES: 1e6})

    assert not predict(MeasurePlan(budget_s=10), noisy).is_decisive
    assert predict(MeasurePlan(budget_s=240), noisy).is_decisive


def test_too_few_changes_tell_nothing():
    assert spread([3.0]) == math.inf


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"noise": QUIET | {Signal.GOROUTINES: -1.0}}])
def test_conditions_that_can_not_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        predict(MeasurePlan(), dataclasses.replace(conditions(), **wrong))
