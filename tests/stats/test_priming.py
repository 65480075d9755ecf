"""Priming: what fills once is full when the first judged block begins, and hides nothing."""

import pytest

from benchmarks.simulation import (
    bounded_cache,
    breathing_pool,
    conclude,
    growing_slice,
    leak,
    levels,
    per_connection,
)
from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.step import BlockResult, DrainResult
from pytest_goleak.stats.design import BLOCK_ROUNDS, TELLING, Thresholds
from pytest_goleak.stats.evidence import judge_block
from pytest_goleak.stats.experiment import experiment
from pytest_goleak.stats.opening import DOUBLES, PRIMING_S, PRIMING_SHARE, priming_requests
from pytest_goleak.stats.priming import Priming
from pytest_goleak.stats.rest import rest_after
from pytest_goleak.stats.schedule import AMPLE, Schedule
from pytest_goleak.stats.trial import PRIMING_LOADS
from tests.stats.recorded import Recorded, run

THRESHOLDS = Thresholds(Tolerance())
OBJECTS = Signal.HEAP_OBJECTS
DOSE = 1_000
DOSES = (DOSE, 0) * 5


def primed(service):
    """Return the requests of the loads before the first judged block; 0 if there were none."""
    return sum(service.blocks[1]) if len(service.blocks[1]) == PRIMING_LOADS else 0


def expiring(after_s):
    """Three objects of every request go away *after_s* later."""

    def part(world):
        alive = sum(requests for ended_s, requests in world.doses if world.now - ended_s < after_s)
        return levels(200 * alive, 3 * alive)

    return part


def look(at_s, objects, *, heap_bytes=2**20, goroutines=10):
    return Observation(
        at_s=at_s, heap_bytes=heap_bytes, heap_objects=objects, goroutines=goroutines, total_alloc=0, num_gc=0
    )


def priming_of(objects, *, heap_bytes=0, requests=5_000):
    looks = (look(0.0, 1_000), look(0.5, 1_000 + objects, heap_bytes=2**20 + heap_bytes))
    return Priming(looks=looks, requests=requests)


def block_of(changes, *, start=1_000, priming=None, doses=DOSES):
    """Return a block whose rounds changed the live objects by *changes*."""
    levels = [start + sum(changes[:number]) for number in range(len(doses) + 1)]
    looks = tuple(look(1.0 + 0.1 * number, level) for number, level in enumerate(levels))
    loads = tuple(LoadResult(planned=dose, completed=dose, duration_s=0.05) if dose else None for dose in doses)
    result = BlockResult(observations=looks, loads=loads, elapsed_s=3.0)
    return judge_block(doses, result, served_before=5_500, priming=priming)


def test_what_fills_is_full_when_the_first_judged_block_begins_and_needs_no_second_one():
    judged = []
    for seed in range(1, 11):
        verdict, service = run(bounded_cache(3_000, 512), seed=seed)
        judged.append(len(service.blocks) - 2)

        assert verdict.outcome is Outcome.CLEAN
        assert verdict.growth_class is GrowthClass.FILL
        assert verdict.levelled_after < 4_500
        assert primed(service) > 3_000
    assert judged.count(1) >= 8  # a hint by chance takes another block


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_leak_beside_it_is_found_and_what_filled_is_not_in_its_figures(seed):
    verdict, _ = run(bounded_cache(3_000, 512), leak(256, 1), seed=seed)

    assert verdict.outcome is Outcome.LEAK
    assert verdict.signals[OBJECTS].per_request == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("after", [2_000, 7_000])
def test_a_leak_that_begins_late_is_found(seed, after):
    assert run(bounded_cache(1_000, 512), leak(256, 1, after=after), seed=seed)[0].outcome is Outcome.LEAK


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("growth", [0, 0.3])
def test_what_drains_is_judged_with_what_the_priming_left(seed, growth):
    verdict, service = run(expiring(3.0), leak(256 * growth, growth), seed=seed)

    assert primed(service) > 1_000
    assert verdict.outcome is (Outcome.LEAK if growth else Outcome.CLEAN)


@pytest.mark.parametrize("seed", range(1, 6))
def test_what_filled_while_primed_is_no_proof_that_what_drains_stays(seed):
    """The cache is ten times as large as what drains, and objects beside bytes tell that something went."""
    verdict, _ = run(bounded_cache(1_850, 16_384), expiring(7.0), seed=seed, rate=4_800)

    assert verdict.outcome is not Outcome.LEAK


@pytest.mark.parametrize("seed", range(1, 11))
@pytest.mark.parametrize("byte", [105, 150, 215, 300])
def test_a_buffer_that_doubles_beside_a_cache_is_not_clean(seed, byte):
    verdict, _ = run(bounded_cache(1_500, 512), growing_slice(byte, 2.0), seed=seed)

    assert verdict.outcome is not Outcome.CLEAN


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_service_that_turns_slow_while_primed_takes_no_more_than_its_budget(seed):
    class Slowing(Recorded):
        def perform(self, step):
            if len(self.blocks) == 1:
                self.rate = 400.0
            return super().perform(step)

    service = Slowing([bounded_cache(3_000, 512)], seed=seed, rate=20_000.0)
    conclude(experiment(MeasurePlan(seed=seed), past=service.past()), service)

    assert primed(service)
    assert service.world.now < 30


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_primed_where_the_first_requests_left_nothing(seed):
    for service in (run(seed=seed)[1], run(breathing_pool(100), seed=seed)[1]):
        assert not primed(service)


@pytest.mark.parametrize("seed", range(1, 5))
def test_bytes_that_grow_alone_are_judged_in_rounds_that_grow_with_them(seed):
    """What is appended to grows in ever rarer steps, and has had some of them by now."""
    verdict, service = run(growing_slice(256), seed=seed, rate=6_000)
    judged = [dose for dose in service.blocks[2] if dose]

    assert verdict.outcome is Outcome.LEAK
    assert primed(service)
    assert judged == sorted(judged)
    assert judged[-1] > 1.5 * judged[0]


@pytest.mark.parametrize("rate", [500, 2_000, 20_000, 100_000])
@pytest.mark.parametrize("dose", [500, 1_000, 2_000, 4_000])
def test_priming_takes_a_share_of_the_requests_and_a_short_time_and_leaves_what_is_decisive(rate, dose):
    schedule = Schedule(budget_s=30.0, idle_s=8.0, served=500, rate=rate, latency_s=0.001)
    grown = block_of([100, 0] * 5, doses=(50, 0) * 5)
    requests = priming_requests(schedule, dose, grown, THRESHOLDS)
    left = dose - requests * 2 // BLOCK_ROUNDS

    assert requests <= PRIMING_S * rate
    assert left >= min(dose, AMPLE * THRESHOLDS.decisive)
    assert left >= (1 - PRIMING_SHARE) * dose - 1
    assert not requests or left * BLOCK_ROUNDS / 2 >= DOUBLES * (500 + requests) - 10
    assert priming_requests(schedule, dose, block_of([100, 0] * 4 + [0, 0], doses=(50, 0) * 5), THRESHOLDS) == 0


@pytest.mark.parametrize(
    ("loaded", "idle", "grows"), [(100, 0, True), (100, 20, True), (100, 40, False), (100, -40, False), (4, 0, False)]
)
def test_growth_with_every_load_is_more_than_is_tolerated_and_than_time_brings(loaded, idle, grows):
    assert block_of([loaded, idle] * 5, doses=(50, 0) * 5).grows_throughout(THRESHOLDS) is grows


def test_bytes_grow_alone_where_objects_hardly_do():
    much = (TELLING + 1) * THRESHOLDS.floor(Signal.HEAP_BYTES)

    assert priming_of(5, heap_bytes=much).is_of_bytes_alone(THRESHOLDS)
    assert not priming_of(500, heap_bytes=much).is_of_bytes_alone(THRESHOLDS)
    assert not priming_of(5, heap_bytes=much // 2).is_of_bytes_alone(THRESHOLDS)


def test_growth_that_is_a_small_part_of_that_while_primed_is_not_repeated_but_outrun():
    filled = priming_of(5_000)

    assert block_of([200, 0] * 5, priming=filled).fades_from_priming([OBJECTS])
    assert not block_of([400, 0] * 5, priming=filled).fades_from_priming([OBJECTS])
    assert not block_of([200, 0] * 5).fades_from_priming([OBJECTS])


def test_growth_by_the_connection_does_not_fade_from_a_small_priming():
    """Ten objects a connection, sixteen connections a load: less by the request in a larger one."""
    small = priming_of(160, requests=DOSE // 5)

    assert not block_of([160, 0] * 5, priming=small).fades_from_priming([OBJECTS])
    assert run(per_connection(64 * 1024, 10), rate=2_000)[0].growth_class is GrowthClass.PER_CONNECTION


def test_a_wait_is_judged_from_before_the_priming_on():
    filled = priming_of(5_000)
    block = block_of([1_000, 0] * 5, start=6_000, priming=filled)
    waited = tuple(look(3.0 + number, 1_300) for number in range(4))
    nothing = dict.fromkeys(Signal, 0.0)
    drain = DrainResult(observations=waited, elapsed_s=7.0)
    kept = rest_after([block], drain, THRESHOLDS, settled_s=1.0, backlog=nothing, unseen=nothing).kept[OBJECTS]

    assert (kept.grown, kept.kept, kept.requests) == (10_000, 300, 10_000)
    assert kept.is_gone
    assert kept.has_fallen


def test_a_leak_is_what_stays_of_the_judged_requests():
    block = block_of([1_000, 0] * 5, start=6_000, priming=priming_of(5_000))
    nothing = dict.fromkeys(Signal, 0.0)

    def kept(objects):
        waited = tuple(look(3.0 + number, objects) for number in range(4))
        drain = DrainResult(observations=waited, elapsed_s=7.0)
        return rest_after([block], drain, THRESHOLDS, settled_s=1.0, backlog=nothing, unseen=nothing).kept[OBJECTS]

    assert kept(11_000).judged == pytest.approx(5_000)
    assert kept(11_000).stays
    assert not kept(10_300).stays  # 14 % of it went, and 7 % of what there was with the priming
