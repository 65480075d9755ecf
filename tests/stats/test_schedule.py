"""Doses: enough in the time there is, also where a request takes long and many are answered at once."""

from dataclasses import replace

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import BLOCK_ROUNDS, IDLE_SHARE, SPREAD, Coin, Thresholds
from pytest_goleak.stats.evidence import judge_block
from pytest_goleak.stats.schedule import LARGER, Schedule

THRESHOLDS = Thresholds(Tolerance())
CONNECTIONS = 64
LATENCY_S = 0.3


def slow_load(requests):
    """Return the load of a service that answers 64 requests at a time, in 0.3 s."""
    batches = -(-requests // CONNECTIONS)
    return LoadResult(planned=requests, completed=requests, duration_s=batches * LATENCY_S)


def block(dose, *, idle_share=IDLE_SHARE, cost_s=0.02):
    doses, _ = Coin("x").rounds(dose)
    at_s, observations, loads = 0.0, [], []
    for index in range(len(doses) + 1):
        if index:
            loads.append(slow_load(doses[index - 1]) if doses[index - 1] else None)
            at_s += cost_s + (loads[-1].duration_s if loads[-1] else idle_share * LATENCY_S)
        observations.append(Observation(at_s=at_s, heap_bytes=1, heap_objects=1, goroutines=1, total_alloc=0, num_gc=0))
    return doses, BlockResult(observations=tuple(observations), loads=tuple(loads), elapsed_s=at_s)


def schedule_after(dose):
    schedule = Schedule(budget_s=30.0, idle_s=8.0)
    schedule.warmed_up(requests=80, rate=CONNECTIONS / LATENCY_S, elapsed_s=0.7)
    doses, result = block(dose)
    schedule.block_done(sum(doses), result, idle_share=IDLE_SHARE)
    return schedule, judge_block(doses, result, served_before=80, is_even=False)


def test_doses_that_are_answered_at_once_do_not_lower_the_rate():
    schedule, _ = schedule_after(20)

    assert schedule.rate == pytest.approx(CONNECTIONS / LATENCY_S)
    assert schedule.latency_s == pytest.approx(LATENCY_S)
    assert schedule.at_once * (1 + SPREAD) == pytest.approx(CONNECTIONS, abs=2)


def test_doses_of_many_batches_do():
    schedule, _ = schedule_after(20)
    loads = [LoadResult(planned=600, completed=600, duration_s=6.0)]
    observations = block(20)[1].observations[:2]
    schedule.block_done(600, BlockResult(observations=observations, loads=tuple(loads), elapsed_s=9.0))

    assert schedule.rate == pytest.approx(100)


@pytest.mark.parametrize(
    ("rate", "connections", "dose"), [(5_000, 16, 100), (400, 16, 40), (20, 16, 13), (800, 256, 213), (800, 2_000, 250)]
)
def test_the_first_dose_uses_every_connection(rate, connections, dose):
    schedule = Schedule(budget_s=30.0, idle_s=8.0)
    schedule.warmed_up(requests=300, rate=rate, elapsed_s=0.5, connections=connections)

    assert schedule.first_dose() == dose


def test_a_dose_that_noise_can_not_hide_growth_in_is_for_what_has_not_grown():
    schedule, flat = schedule_after(20)
    growing = replace(flat, growth={signal: replace(each, per_request=1) for signal, each in flat.growth.items()})
    schedule.rate = 1_000

    assert schedule.second_dose(flat, THRESHOLDS) >= 640 > schedule.second_dose(growing, THRESHOLDS)


def test_a_dose_is_never_less_than_what_costs_no_more_time():
    schedule, first = schedule_after(20)

    assert schedule.second_dose(first, THRESHOLDS) >= CONNECTIONS / (1 + SPREAD) - 1


@pytest.mark.parametrize(("look_s", "dose"), [(0.0, 1_704), (0.01, 1_704), (0.5, 3_000)])
def test_where_a_look_is_dear_more_load_costs_next_to_nothing(look_s, dose):
    schedule = Schedule(budget_s=30.0, idle_s=8.0)
    schedule.warmed_up(requests=900, rate=20_000, elapsed_s=0.5)
    schedule.look_s = look_s

    assert schedule.second_dose(levels_of_a_block([0] * 10), THRESHOLDS) == dose


def test_a_block_takes_a_latency_for_each_loaded_round_at_least():
    schedule, _ = schedule_after(20)

    assert schedule.block_s(1) == pytest.approx(schedule.block_s(CONNECTIONS))
    assert schedule.block_s(1) >= BLOCK_ROUNDS * LATENCY_S
    assert schedule.block_s(1, idle_share=IDLE_SHARE) >= BLOCK_ROUNDS / 2 * LATENCY_S * (1 + IDLE_SHARE)


def test_what_a_round_costs_beside_its_load_is_learnt_from_blocks_of_any_pace():
    schedule, _ = schedule_after(20)

    assert schedule.round_cost_s == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize(
    ("requests", "load_s", "enough"),
    [(8_000, 0.1, True), (100, 2.0, True), (6_400, 1.4, True), (4_000, 1.0, False), (7_000, 0.5, False)],
)
def test_enough_is_many_requests_or_much_load_or_most_of_both(requests, load_s, enough):
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=requests, load_s=load_s)

    assert schedule.is_enough() is enough


@pytest.mark.parametrize(("served", "dose"), [(4_000, 960), (7_500, 544)])
def test_where_nothing_is_open_but_that_requests_were_few_only_the_rest_is_sent(served, dose):
    """But a third of the dose before, of 1,552, at least."""
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=served, rate=20_000)

    assert schedule.larger_dose(levels_of_a_block([0] * 10), THRESHOLDS, must_outlast=0) == dose


@pytest.mark.parametrize(
    ("rate", "budget_s", "proves", "rounds"),
    [
        (5_000.0, 30.0, False, 4),
        (5_000.0, 30.0, True, BLOCK_ROUNDS),
        (0.2, 30.0, True, 2),
        (5_000.0, 0.5, True, 4),
        (2.0, 30.0, True, 4),
    ],
)
def test_the_first_block_takes_a_small_part_of_the_budget(rate, budget_s, proves, rounds):
    schedule = Schedule(budget_s=budget_s, idle_s=0.3 * budget_s)
    schedule.warmed_up(requests=10, rate=rate, elapsed_s=0.1)

    assert schedule.first_rounds(proves=proves) == rounds


def levels_of_a_block(changes, *, dose=1_600):
    """Return the evidence of a block whose rounds changed the live objects by *changes*."""
    doses, result = block(dose)
    objects = [sum(changes[:index]) for index in range(len(doses) + 1)]
    observations = tuple(
        replace(look, heap_objects=1_000 + level) for look, level in zip(result.observations, objects, strict=True)
    )
    return judge_block(doses, replace(result, observations=observations), served_before=500)


def test_what_was_noisy_at_the_beginning_alone_is_answered_by_an_equal_dose():
    schedule = Schedule(budget_s=30.0, idle_s=8.0)
    schedule.warmed_up(requests=500, rate=5_000, elapsed_s=0.5)
    started, noisy = levels_of_a_block([600, 0, 300, *[0] * 7]), levels_of_a_block([600, -600] * 5)
    unproven = [Signal.HEAP_OBJECTS]

    assert started.unproven(THRESHOLDS) == noisy.unproven(THRESHOLDS) == tuple(unproven)
    assert started.later_noise(unproven, THRESHOLDS) <= 0.5
    assert noisy.later_noise(unproven, THRESHOLDS) > 1
    assert schedule.larger_dose(started, THRESHOLDS, must_outlast=0) == started.dose
    assert schedule.larger_dose(noisy, THRESHOLDS, must_outlast=0) == pytest.approx(LARGER * noisy.dose, abs=1)


@pytest.mark.parametrize(("dose", "share"), [(2_000, 0.5), (50, 1)])
def test_half_of_it_is_enough_once_there_were_requests_enough_but_no_less_than_what_tells(dose, share):
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=8_000, rate=5_000, latency_s=0.001)
    started = levels_of_a_block([0, 900, 0, 300, *[0] * 6], dose=dose)

    assert schedule.larger_dose(started, THRESHOLDS, must_outlast=0) == pytest.approx(share * started.dose, abs=1)


def test_where_idle_rounds_are_quiet_growth_that_varies_is_not_followed_by_a_far_larger_dose():
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=8_000, rate=100_000, latency_s=0.001)
    fills = levels_of_a_block([0, 9_000, 0, 8_000, 0, 6_000, 6_000, 4_000, 0, 0])
    noisy = levels_of_a_block([90_000, 0, -90_000, 0, 90_000, 0, 0, 0, -90_000, 0])

    assert schedule.larger_dose(fills, THRESHOLDS, must_outlast=0) == 4 * fills.dose
    assert schedule.larger_dose(noisy, THRESHOLDS, must_outlast=0) > 8 * noisy.dose
