"""The block that repeats a suspicion: as large as tells, and as outweighs what was there before."""

import pytest

from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.repetition import LEAST_SHARE, repeat_dose
from pytest_goleak.stats.schedule import Schedule
from tests.stats.test_priming import DOSE, block_of, priming_of
from tests.stats.test_schedule import THRESHOLDS, levels_of_a_block, schedule_after

OBJECTS = Signal.HEAP_OBJECTS


@pytest.mark.parametrize(("rounds_s", "can_be_had"), [(0.5, False), (1.1, True)])
def test_a_repetition_needs_time_for_its_rounds_and_for_what_age_does_not_stand_for_of_the_wait(rounds_s, can_be_had):
    schedule, first = schedule_after(20)
    again_s = schedule.block_s(first.dose)
    aged_s = schedule.aged_s(first.duration_s / 2 + again_s)
    schedule.elapsed_s = schedule.budget_s - schedule.idle_s + aged_s - rounds_s * again_s

    dose = repeat_dose(schedule, first, [OBJECTS], THRESHOLDS, outweighing=0)
    assert dose == (first.dose if can_be_had else None)


@pytest.mark.parametrize(("outweighing", "times"), [(0, 1), (1.5, 1), (2.2, 1.44), (5, 1)])
def test_a_repetition_outweighs_what_was_there_before_if_twice_the_dose_does(outweighing, times):
    schedule, first = schedule_after(20)

    dose = repeat_dose(schedule, first, [OBJECTS], THRESHOLDS, outweighing=outweighing * first.requests)

    assert dose == pytest.approx(times * first.dose, abs=1)


@pytest.mark.parametrize(("rate", "times"), [(50_000, 3.6), (1_000, 1)])
def test_or_if_it_takes_no_long_time(rate, times):
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=8_000, rate=rate, latency_s=0.001)
    grown = levels_of_a_block([0, 900, 0, 900, 0, 900, 900, 900, 0, 0])

    dose = repeat_dose(schedule, grown, [OBJECTS], THRESHOLDS, outweighing=4 * grown.requests)
    assert dose == pytest.approx(times * grown.dose, rel=0.01)


@pytest.mark.parametrize(
    ("per_load", "dose"),
    [
        pytest.param(60, 100, id="two equal blocks leave enough"),
        pytest.param(15, 1.2 * (192 / 0.15 - 500) / 5, id="a larger one has to"),
        pytest.param(5, 100, id="no affordable one does"),
    ],
)
@pytest.mark.parametrize("priming", [None, priming_of(75)], ids=["unprimed", "primed"])
def test_a_repetition_is_large_enough_for_both_blocks_to_leave_what_a_leak_has_to(per_load, dose, priming):
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=8_000, rate=500, latency_s=0.001)
    block = block_of([per_load, 0] * 5, doses=(100, 0) * 5, priming=priming)

    assert repeat_dose(schedule, block, [OBJECTS], THRESHOLDS, outweighing=0) == pytest.approx(dose, abs=2)


def repeated(per_dose, *, idle=(0,) * 5, primed=None, outweighing=0.0):
    """Return the dose that repeats a block whose loads left *per_dose* objects each, and whose idle rounds *idle*."""
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=8_000, rate=10_000, latency_s=0.001)
    priming = priming_of(primed) if primed else None  # of five doses
    changes = [change for between in idle for change in (per_dose, between)]
    return repeat_dose(schedule, block_of(changes, priming=priming), [OBJECTS], THRESHOLDS, outweighing=outweighing)


@pytest.mark.parametrize(
    ("growth", "dose"),
    [
        pytest.param({"primed": 5_000}, LEAST_SHARE * DOSE, id="what grew in the priming as well is no cache"),
        pytest.param({}, DOSE, id="nobody knows"),
        pytest.param({"primed": 6_000}, DOSE, id="something fills"),
        pytest.param({"primed": 5_000, "idle": (-300,) * 5}, DOSE, id="some of it drains"),
        pytest.param(
            {"primed": 5_000, "idle": (120, -120, 100, -100, 0)}, 6 * 100 / 0.89, id="noise has to be outweighed"
        ),
        pytest.param({"primed": 5_000, "outweighing": 12_500}, 600, id="and so has what was there before"),
    ],
)
def test_a_smaller_dose_repeats_what_goes_on_and_on(growth, dose):
    assert repeated(DOSE, **growth) == pytest.approx(dose, rel=0.02)


def test_a_smaller_dose_has_to_be_more_than_the_runtime_takes():
    assert repeated(100, primed=500) == pytest.approx(2 * 3 * 64 / 5 / 0.1, abs=1)
