"""The fast form of ``make simulate``: the real experiment against services of known truth, in virtual time."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.simulation import (
    CLEAN,
    EMPTY,
    LEAKING,
    SimulatedService,
    bounded_cache,
    breathing_pool,
    conclude,
    cron,
    drain_of_another,
    drain_one_by_one,
    flushed_queue,
    gaussian,
    growing_slice,
    held_at_once,
    judge,
    leak,
    levels,
    slow_drain,
    tally,
)
from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.step import Block, Drain, Proof, ProofResult
from pytest_goleak.stats.design import ALPHA
from pytest_goleak.stats.experiment import experiment

RUNS = 8
HARD = {
    "leak and drain",
    "leak and quick drain",
    "leak and flushed queue",
    "growing slice",
    "growing buffer",
    "2 KiB, no objects, saw-tooth",
}
"""Inconclusive more often than not within 30 s; the table of ``make simulate`` has the rates."""


@pytest.mark.parametrize("name", CLEAN)
def test_noise_is_never_called_a_leak(name):
    assert tally(CLEAN[name], runs=RUNS)[Outcome.LEAK] == 0


@pytest.mark.parametrize("name", sorted(LEAKING.keys() - HARD))
def test_leaks_are_found(name):
    outcomes = tally(LEAKING[name], runs=RUNS)

    assert outcomes[Outcome.LEAK] >= RUNS - 1
    assert outcomes[Outcome.CLEAN] == 0


@pytest.mark.parametrize("name", sorted(HARD))
def test_hard_leaks_are_never_called_clean(name):
    assert tally(LEAKING[name], runs=RUNS)[Outcome.CLEAN] == 0


@pytest.mark.parametrize("after_s", [0.4, 2.0, 5.0])
@pytest.mark.parametrize("rate", [2000, 8000])
def test_a_small_leak_beside_a_large_drain_is_never_called_clean(after_s, rate):
    """What drains has more objects by far, and the level before a block has a backlog of it."""
    parts = [leak(96, 1), slow_drain(2000, after_s)]
    outcomes = [judge(parts, seed=seed, rate=rate).outcome for seed in range(1, RUNS + 1)]

    assert Outcome.CLEAN not in outcomes


@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("count", [400, 800, 1600])
def test_a_drain_of_another_endpoint_hides_no_leak_of_its_size(count, seed):
    """What ended meanwhile is about as much as the leak added, so that the level seems to be back."""
    parts = [leak(3000, 4, 1, every=10), drain_of_another(count, after_s=1.0, over_s=1.5)]

    assert judge(parts, seed=seed).outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("life_s", [6, 9, 12])
@pytest.mark.parametrize("every", [20, 50])
def test_what_another_endpoint_left_for_long_hides_no_leak(every, life_s, seed):
    """What expires while this one waits was left long before, and levels were at rest since."""
    rng = np.random.default_rng([seed, 9])
    count, expires_s = round(18_000 / every * rng.uniform(0.3, 2)), rng.uniform(0.5, 6)
    service = SimulatedService(
        [leak(3000, 4, 1, every=every), drain_of_another(count, after_s=expires_s, over_s=rng.uniform(0.1, 3))],
        seed=seed,
        rate=6000,
    )
    held, age_s = service.past()[0].looks[-1], life_s - expires_s
    looks = (replace(EMPTY, at_s=-age_s - 6), replace(held, at_s=-age_s), replace(held, at_s=-age_s / 2), held)
    past = [Measured(looks=looks)]

    assert conclude(experiment(MeasurePlan(seed=seed), past=past), service).outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 31))
def test_records_of_a_higher_peak_are_no_leak(seed):
    """Work that outlives its answer piles up as the coin has it, and what the runtime notes of a peak stays."""
    outcome = judge([held_at_once(13_000, 30, 500, 0.5)], seed=seed, rate=11_000).outcome

    assert outcome is not Outcome.LEAK


@pytest.mark.parametrize("seed", range(1, 7))
def test_memory_is_called_leaking_once_it_went_on_through_a_far_larger_dose(seed):
    cache = judge([bounded_cache(20_000, 512)], seed=seed, rate=8000)
    endless = judge([bounded_cache(10**7, 512)], seed=seed, rate=8000)

    assert cache.outcome is Outcome.CLEAN
    assert not cache.background_per_s
    assert re.search(r"levelled off after (19|[23]\d),\d{3} requests", cache.reason)
    assert endless.outcome is Outcome.LEAK
    assert re.search(r"without sign of levelling through 3\d,\d{3} requests", endless.reason)


def test_a_cache_that_was_told_from_a_leak_is_no_leak_when_the_service_fails_later():
    conversation = experiment(MeasurePlan(seed=1))
    service = SimulatedService([bounded_cache(20_000, 512)], seed=1, rate=8000)
    step = next(conversation)
    while not (isinstance(step, Block) and len(step.doses) == 1):
        step = conversation.send(service.perform(step))
    conversation.send(service.perform(step))
    with pytest.raises(TargetError, match="died"):
        conversation.throw(TargetError("the service died"))


@pytest.mark.parametrize("period", [3.0, 5.4, 6.2, 7.5])
def test_what_a_timer_flushes_is_never_a_leak(period):
    outcomes = [
        judge([flushed_queue(200, period)], seed=seed, rate=rate).outcome for seed in (6, 23) for rate in (2000, 6000)
    ]

    assert Outcome.LEAK not in outcomes


@pytest.mark.parametrize("period", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("rate", [8000, 20_000])
def test_what_a_timer_flushes_within_the_rounds_is_clean(period, rate):
    outcomes = [judge([flushed_queue(200, period)], seed=seed, rate=rate).outcome for seed in range(1, 11)]

    assert outcomes.count(Outcome.CLEAN) >= 9


def test_a_rate_that_falls_after_the_warm_up_does_not_burst_the_budget():
    class Limited(SimulatedService):
        def _load(self, requests):
            self.rate = 5000 if self.world.served < 1000 else 100
            return super()._load(requests)

    service = Limited([], seed=1, rate=5000)
    conclude(experiment(MeasurePlan(seed=1)), service)

    assert service.world.now < 40


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("rate", [2000, 8000, 20_000])
def test_buffers_that_double_are_never_called_clean(seed, rate):
    """A single step in ten rounds is significant in no block, and then the buffer is flat for long."""
    assert judge([growing_slice(220, 2.0)], seed=seed, rate=rate).outcome is not Outcome.CLEAN


def test_goroutines_that_leak_do_not_use_up_the_descriptors():
    verdict = judge([leak(3000, 9, 3)], seed=1, rate=8000)

    assert verdict.outcome is Outcome.LEAK
    assert verdict.signals[Signal.GOROUTINES].per_request == pytest.approx(3)
    assert verdict.requests < 5_000


def test_the_same_seed_gives_the_same_verdict():
    assert judge([leak(256, 1)], seed=4) == judge([leak(256, 1)], seed=4)


def test_growth_is_measured_per_request():
    verdict = judge([leak(256, 2)], seed=1)

    assert verdict.signals[Signal.HEAP_BYTES].per_request == pytest.approx(256, rel=0.02)
    assert verdict.signals[Signal.HEAP_OBJECTS].per_request == pytest.approx(2, rel=0.02)
    assert "live objects grow by 2 per request" in verdict.reason


def test_a_wider_tolerance_accepts_what_the_default_does_not():
    plan = MeasurePlan(tolerance=Tolerance(bytes=16384, objects=20))

    assert judge([leak(256, 1)], seed=1).outcome is Outcome.LEAK
    assert judge([leak(256, 1)], seed=1, plan=plan).outcome is Outcome.CLEAN


def test_clean_states_what_it_would_have_seen():
    signals = judge([], seed=1).signals

    for signal, tolerance in ((Signal.HEAP_BYTES, 128), (Signal.HEAP_OBJECTS, 0.1), (Signal.GOROUTINES, 0.01)):
        assert 0 < signals[signal].min_detectable < tolerance
        assert signals[signal].high < tolerance


def test_family_wise_error_is_stated_and_small():
    assert judge([], seed=1).alpha == ALPHA < 0.005


def test_a_failure_while_growth_still_drains_is_no_leak():
    """What fell between the rounds was draining, and nobody knows how far it would have gone."""
    outcomes = []
    for seed in range(1, 6):
        conversation = experiment(MeasurePlan(seed=seed))
        service = SimulatedService([slow_drain(1000, 1.5)], seed=seed, rate=3000)
        step = next(conversation)
        while not isinstance(step, Drain):
            step = conversation.send(service.perform(step))
        try:
            conversation.throw(TargetError("the service died"))
        except TargetError:
            outcomes.append("error")
        except StopIteration as end:
            outcomes.append(end.value.outcome)

    assert outcomes == ["error"] * 5


def test_a_leak_that_kills_the_service_is_still_a_leak():
    conversation = experiment(MeasurePlan(seed=1))
    service = SimulatedService([leak(4096, 4, 1)], seed=1, rate=3000)
    step = next(conversation)
    while not isinstance(step, Drain):
        step = conversation.send(service.perform(step))
    with pytest.raises(StopIteration) as end:
        conversation.throw(TargetError("out of memory"))

    assert end.value.value.outcome is Outcome.LEAK
    assert "then the service stopped answering: out of memory" in end.value.value.reason


def test_each_endpoint_has_a_coin_of_its_own():
    blocks = []
    for name in ("GET /a", "GET /b", "GET /a"):
        conversation = experiment(MeasurePlan(seed=1), name=name)
        service = SimulatedService([], seed=1, rate=6000)
        step = next(conversation)
        while not isinstance(step, Block) or len(step.doses) < 10:
            step = conversation.send(service.perform(step))
        blocks.append(step.doses)

    assert blocks[0] == blocks[2] != blocks[1]


def test_a_failure_before_anything_is_proven_is_passed_on():
    conversation = experiment(MeasurePlan())
    next(conversation)
    with pytest.raises(TargetError, match="died"):
        conversation.throw(TargetError("the service died"))


def judged_with_proof(service, proven, *, seed=1):
    """Judge *service*, whose runtime proves as many goroutines leaked as *proven* says; return steps and verdict."""
    conversation = experiment(MeasurePlan(seed=seed))
    step, asked = next(conversation), []
    while True:
        asked.append(type(step))
        result = service.perform(step)
        if isinstance(step, Proof):
            result = ProofResult(leaked=proven(service.world), elapsed_s=service.world.now)
        try:
            step = conversation.send(result)
        except StopIteration as end:
            return asked, end.value


def test_proof_by_the_runtime_needs_no_idle_wait():
    """Where every goroutine that grew is proven leaked, two small blocks are enough."""
    service = SimulatedService([leak(600, 3, 1)], seed=1, rate=6000)
    asked, verdict = judged_with_proof(service, lambda world: world.served)

    assert verdict.outcome is Outcome.LEAK
    assert "the runtime proves" in verdict.reason
    assert Drain not in asked
    assert verdict.requests < 3000


@pytest.mark.parametrize("after_s", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_runtime_that_proves_nothing_proves_no_leak(after_s, seed):
    """Goroutines that end soon after the answer have grown in loaded rounds, and are gone when proof is asked for."""
    service = SimulatedService([held_at_once(13_000, 30, 500, after_s)], seed=seed, rate=9000)
    _, verdict = judged_with_proof(service, lambda _: 0, seed=seed)

    assert verdict.outcome is not Outcome.LEAK, verdict.reason


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_wait_that_another_endpoint_disturbed_tells_the_next_one_what_may_be_left(seed):
    """Twelve thousand objects of another endpoint go away first; then a drain of seconds takes one wait more, not two."""
    service = SimulatedService(
        [slow_drain(500, 4.0), drain_of_another(3_000, after_s=3.0, over_s=0.5)], seed=seed, rate=9_000
    )
    looks = (replace(EMPTY, at_s=-20.0), replace(EMPTY, at_s=-6.0), service.past()[0].looks[-1])

    verdict = conclude(experiment(MeasurePlan(seed=seed), past=[Measured(looks=looks)]), service)

    assert verdict.outcome is Outcome.CLEAN
    assert service.world.now < 14


@pytest.mark.parametrize("seed", range(1, 11))
def test_a_clean_verdict_says_what_its_requests_leave_at_most(seed):
    service = SimulatedService([bounded_cache(2_000, 256)], seed=seed, rate=6_000)
    before = service.past()

    verdict = conclude(experiment(MeasurePlan(seed=seed), past=before), service)

    assert verdict.outcome is Outcome.CLEAN
    assert 4_000 <= verdict.most_left[Signal.HEAP_OBJECTS] < 4_000 + 0.1 * verdict.requests
    assert verdict.most_left[Signal.GOROUTINES] < 0.01 * verdict.requests


def test_nothing_is_said_of_what_stays_where_nobody_looked_before_or_nothing_is_proven():
    first = conclude(experiment(MeasurePlan()), SimulatedService([], seed=1, rate=6_000))
    leaking = judge([leak(256, 1)], seed=1)

    assert (first.outcome, first.most_left) == (Outcome.CLEAN, {})
    assert (leaking.outcome, leaking.most_left) == (Outcome.LEAK, {})


def share(of: float):
    """Return a leak of one goroutine in 1 / *of* requests."""
    return lambda w: levels(*(round(w.served * of) * each for each in (3000, 4, 1)))


def for_a_while(of: float, life_s: float):
    """Return a goroutine in 1 / *of* requests that ends after *life_s*."""
    return lambda w: levels(
        *(round(of * sum(n for at, n in w.doses if w.now - at < life_s)) * each for each in (3000, 4, 1))
    )


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_leak_is_not_outweighed_by_what_others_had_left(seed):
    rng = np.random.default_rng([seed, 21])
    another = drain_of_another(rng.uniform(100, 5000), rng.uniform(0, 8), rng.uniform(0.1, 6))

    outcome = judge([share(0.1), slow_drain(1000, rng.uniform(1, 4)), another], seed=seed, rate=2_000).outcome

    assert outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_leak_is_not_outweighed_by_what_lives_longer_than_most(seed):
    parts = [share(0.12), slow_drain(1000, 1.0), for_a_while(0.15, 6.0)]

    assert judge(parts, seed=seed, rate=6_000).outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 13))
def test_growth_with_time_beside_a_drain_is_no_leak(seed):
    parts = [cron(100 * 1024, 500), slow_drain(1000, 0.5 + seed / 5)]

    assert judge(parts, seed=seed, rate=4_000).outcome is not Outcome.LEAK


@pytest.mark.parametrize("seed", [*range(1, 13), 61, 126, 183, 236])
def test_what_was_left_before_the_first_look_hides_no_leak(seed):
    rng = np.random.default_rng([seed, 21])
    unknown = drain_of_another(rng.uniform(100, 5000), rng.uniform(2, 12), rng.uniform(0.1, 10))
    service = SimulatedService([share(0.1), slow_drain(1000, 2.0), unknown], seed=seed, rate=2_000)

    assert conclude(experiment(MeasurePlan(seed=seed)), service).outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 13))
def test_what_goes_one_by_one_is_waited_for_before_a_second_cycle(seed):
    rng = np.random.default_rng([seed, 7])
    parts = [drain_one_by_one(1_200, rng.uniform(0.3, 1), rng.uniform(1.5, 4)), gaussian(3_000, 6)]
    service = SimulatedService(parts, seed=seed, rate=rng.uniform(700, 1_500))

    assert conclude(experiment(MeasurePlan(seed=seed), past=service.past()), service).outcome is Outcome.CLEAN
    assert service.world.now < 20


@pytest.mark.parametrize("last_s", [6.85, 7.4, 7.7])
@pytest.mark.parametrize("seed", range(1, 6))
def test_what_is_gone_just_when_the_wait_is_over_needs_no_second_cycle(last_s, seed):
    service = SimulatedService([drain_one_by_one(1_200, 1.0, last_s)], seed=seed, rate=4_500)

    assert conclude(experiment(MeasurePlan(seed=seed), past=service.past()), service).outcome is Outcome.CLEAN
    assert service.world.now < 12


def once_after_a_wait(byte, objects):
    """What the first load after a wait leaves once: its peak was higher than any before, which no look saw."""

    def part(w):
        ended = [at for at, _ in w.doses]
        waits = [number for number, (earlier, later) in enumerate(pairwise(ended)) if later - earlier > 0.8]
        after = sum(requests for _, requests in w.doses[waits[0] + 1 :]) if waits else 0
        return levels(byte, objects) if after > 300 else levels()

    return part


def test_what_a_second_cycle_leaves_once_beside_a_drain_is_no_leak():
    """Three times the floor, but a tenth of what went, less than is tolerated, and nothing of it after the first."""
    service = SimulatedService([slow_drain(3_000, 1.2), once_after_a_wait(124_000, 230)], seed=5, rate=4_000)

    assert conclude(experiment(MeasurePlan(seed=5)), service).outcome is Outcome.CLEAN


@pytest.mark.parametrize("size", [30, 100])
@pytest.mark.parametrize("seed", range(1, 7))
def test_goroutines_that_come_and_go_by_themselves_are_no_drain_that_a_leak_has_to_outlast(size, seed):
    rate = np.random.default_rng([seed, 5]).uniform(1_500, 12_000)
    service = SimulatedService([breathing_pool(size), leak(1_040, 1), gaussian(2_000, 5)], seed=seed, rate=float(rate))

    assert conclude(experiment(MeasurePlan(seed=seed), past=service.past()), service).outcome is Outcome.LEAK
    assert service.world.now < 25
