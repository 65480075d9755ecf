"""Runs against themselves, summed up: intervals, noise, and suggestions that never hide a leak."""

import dataclasses

import pytest
from scipy.stats import binomtest

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome
from pytest_goleak.stats.calibration import calibrate, idle_changes
from tests.stats.test_power import run

RUNS = [run("gaussian 36 KiB", seed) for seed in (1, 2, 3, 4)]
PLAN = MeasurePlan()


def but(outcome, *, count=1, reason="because"):
    changed = [dataclasses.replace(each, outcome=outcome, reason=reason) for each in RUNS[:count]]
    return [*changed, *RUNS[count:]]


def test_clean_runs_keep_the_settings():
    calibration = calibrate(RUNS, PLAN, rate=8000)

    interval = binomtest(0, 4).proportion_ci(method="wilson")
    assert (calibration.leaks_low, calibration.leaks_high) == (interval.low, interval.high)
    assert calibration.count(Outcome.CLEAN) == calibration.runs == 4
    assert calibration.seeds == (1, 2, 3, 4)
    assert calibration.suggestion.budget_s == 30
    assert calibration.suggestion.tolerance == PLAN.tolerance
    assert not calibration.is_leak


def test_the_noise_is_that_of_the_service():
    floor = calibrate(RUNS, PLAN, rate=8000).noise[Signal.HEAP_BYTES]

    assert floor.spread == pytest.approx(2**0.5 * 36 * 1024, rel=0.3)
    assert 0 < floor.median < floor.spread < floor.largest


def test_only_levels_without_requests_between_them_are_noise():
    changes = idle_changes(RUNS[:1], Signal.HEAP_BYTES)

    assert 0 < len(changes) < len(RUNS[0].series) - 1


def test_a_leak_in_every_run_is_a_leak_and_gets_no_settings():
    calibration = calibrate(but(Outcome.LEAK, count=4), PLAN, rate=8000)

    assert calibration.is_leak
    assert calibration.suggestion is None
    assert calibration.leaks_low > 0.5


def test_one_leak_among_clean_runs_gets_no_settings_either():
    calibration = calibrate(but(Outcome.LEAK), PLAN, rate=8000)

    assert not calibration.is_leak
    assert calibration.suggestion is None
    assert calibration.reasons == ("because",)


def test_runs_that_decided_nothing_ask_for_more_budget_first():
    suggestion = calibrate(but(Outcome.INCONCLUSIVE, count=2), MeasurePlan(budget_s=3), rate=8000).suggestion

    assert suggestion.budget_s > 3
    assert suggestion.tolerance == PLAN.tolerance
    assert "2 of 4 runs were inconclusive" in suggestion.budget_reason


def test_noise_beyond_every_budget_asks_for_tolerance():
    louder = [
        dataclasses.replace(
            each,
            outcome=Outcome.INCONCLUSIVE,
            series=tuple(dataclasses.replace(point, heap_bytes=point.heap_bytes * 1000) for point in each.series),
        )
        for each in RUNS
    ]
    suggestion = calibrate(louder, PLAN, rate=8000).suggestion

    assert suggestion.tolerance.bytes > PLAN.tolerance.bytes
    assert suggestion.tolerance.objects == PLAN.tolerance.objects
    assert "MiB" in suggestion.tolerance_reason


def test_runs_without_a_series_still_count():
    calibration = calibrate([dataclasses.replace(each, series=()) for each in RUNS], PLAN, rate=8000)

    assert calibration.noise == {}
    assert calibration.predicted == {}
    assert calibration.suggestion.budget_s == 30


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        calibrate([], PLAN, rate=8000)
