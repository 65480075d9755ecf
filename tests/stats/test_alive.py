"""What is alive after the load bounds what requests left, whatever the noise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation import growing_slice, leak, levels, sawtooth
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.step import Block, BlockResult
from pytest_goleak.stats.design import BLOCK_ROUNDS, Thresholds
from pytest_goleak.stats.evidence import Evidence, judge_block
from pytest_goleak.stats.experiment import experiment
from tests.stats.recorded import Recorded, run

DOSE = 2_000
BEFORE = 500
DOSES = (DOSE, 0, DOSE, DOSE, 0, 0, DOSE, DOSE, 0, 0)
REQUESTS = BEFORE + sum(DOSES)
GOROUTINES = Signal.GOROUTINES
THRESHOLDS = Thresholds(Tolerance())
MARGIN = THRESHOLDS.margin(GOROUTINES)
LEVELS = st.lists(st.integers(0, 5_000), min_size=BLOCK_ROUNDS + 1, max_size=BLOCK_ROUNDS + 1)
PER_REQUEST = st.floats(0, 2)


def look(round_, goroutines):
    return Observation(
        at_s=0.1 * round_, heap_bytes=2**30, heap_objects=10**7, goroutines=goroutines, total_alloc=0, num_gc=0
    )


def block_of(levels) -> Evidence:
    """Return a block after which the goroutines were *levels*, one look before it and one after each round."""
    loads = tuple(LoadResult(planned=dose, completed=dose, duration_s=0.1) if dose else None for dose in DOSES)
    looks = tuple(look(round_, level) for round_, level in enumerate(levels))
    return judge_block(DOSES, BlockResult(observations=looks, loads=loads, elapsed_s=1.0), served_before=BEFORE)


LATER = 3 * DOSE
"""Requests of the last three of five loaded rounds."""


def served(round_):
    return BEFORE + sum(DOSES[:round_])


def late(round_):
    """Return the requests of the later rounds by then."""
    return max(0, served(round_) - (REQUESTS - LATER))


@given(noise=LEVELS, per_request=PER_REQUEST, later=st.lists(st.integers(0, 5_000), max_size=5))
def test_no_noise_puts_it_below_what_each_request_left(noise, per_request, later):
    """Noise is what comes and goes beside what stays, so it only adds; be it that only later requests leave something."""
    block = block_of([level + round(per_request * late(round_)) for round_, level in enumerate(noise)])
    block = block.followed_by([look(11, level + round(per_request * LATER)) for level in later])

    assert block.most_alive(GOROUTINES) >= per_request - 1 / LATER


@given(noise=LEVELS, per_request=PER_REQUEST)
def test_growth_by_the_tolerance_is_never_proven_small_by_it(noise, per_request):
    leaking = [level + round((MARGIN + per_request) * late(round_)) for round_, level in enumerate(noise)]

    assert not block_of(leaking).most_alive(GOROUTINES) < MARGIN - 1 / LATER


def test_it_bounds_what_rounds_leave_open():
    block = block_of([40, 90, 10, 95, 20, 99, 5, 80, 60, 30, 70])
    estimate = block.estimate(GOROUTINES, Outcome.CLEAN, THRESHOLDS)

    assert block.growth[GOROUTINES].high > MARGIN
    assert GOROUTINES not in block.unbounded(THRESHOLDS)
    assert estimate.low <= estimate.per_request <= estimate.high == pytest.approx(30 / LATER)
    assert estimate.min_detectable == MARGIN, "what noise hides is not seen, but for what could not be alive"


def test_looks_after_the_block_count():
    block = block_of([400, 900, 100, 950, 200, 990, 50, 800, 600, 300, 700])

    assert GOROUTINES in block.unbounded(THRESHOLDS)
    assert GOROUTINES not in block.followed_by([look(11, 500), look(12, 50), look(13, 600)]).unbounded(THRESHOLDS)


FURTHER = (3 * DOSE,) * 3


@given(noise=LEVELS, per_request=PER_REQUEST, later=st.lists(st.integers(0, 5_000), min_size=1, max_size=5))
def test_nor_is_it_below_what_each_request_of_further_loads_left(noise, per_request, later):
    left = round(per_request * sum(FURTHER))
    block = block_of(noise).followed_by([look(11, level + left) for level in later], further=FURTHER)

    assert block.most_alive(GOROUTINES) >= per_request * sum(FURTHER) / (DOSE + sum(FURTHER)) - 1 / DOSE


def test_looks_before_further_loads_do_not_count():
    block = block_of([5] * 11).followed_by([look(11, 40_000)], further=FURTHER)

    assert block.most_alive(GOROUTINES) == pytest.approx(40_000 / (DOSE + sum(FURTHER)))


def test_growth_that_is_clearly_more_than_is_alive_is_refuted():
    """Loaded rounds happen to swell, idle ones to drop."""
    growing = [10, 400, 30, 420, 800, 500, 200, 600, 1_000, 700, 12]
    block = block_of(growing)

    assert GOROUTINES in block.hints(THRESHOLDS)
    assert not block_of([level + 9_000 for level in growing]).is_refuted(GOROUTINES)
    assert block.is_refuted(GOROUTINES)


# --- whole experiments ----------------------------------------------------------------------------------------------

PERIODS_S = st.floats(0.2, 2.5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_beside_a_saw_tooth_a_load_that_outweighs_what_is_alive_is_enough(seed):
    """No level has to be read by many looks."""
    verdict, service = run(sawtooth(8 * 2**20, 0.6), seed=seed)

    assert verdict.outcome is Outcome.CLEAN
    assert len(service.blocks[-1]) == 3
    assert all(service.blocks[-1])
    assert verdict.signals[Signal.HEAP_BYTES].high < THRESHOLDS.margin(Signal.HEAP_BYTES)
    assert service.world.now < 6


def test_what_goes_up_and_down_with_the_load_alone_is_outweighed_as_well():
    verdict, service = run(lambda w: levels(3e5 * (w.served % 1_700) / 1_700), seed=1)

    assert verdict.outcome is Outcome.CLEAN
    assert service.world.now < 6


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_service_that_turns_slow_under_that_load_takes_no_more_than_twice_the_time(seed):
    class Slowing(Recorded):
        def perform(self, step):
            if len(self.blocks) == 2:
                self.rate = 500.0
            return super().perform(step)

    service = Slowing([sawtooth(8 * 2**20, 0.6)], seed=seed)
    conversation = experiment(MeasurePlan(seed=seed), past=service.past())
    step = next(conversation)
    while not (isinstance(step, Block) and len(step.doses) == 3):
        step = conversation.send(service.perform(step))
    loads = service.perform(step).loads

    assert loads[-1].planned < loads[0].planned / 20
    assert sum(load.duration_s for load in loads[1:]) < step.load_s


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_another_signal_leaves_of_that_load_is_not_proven_by_the_rounds_before(seed):
    """It begins to leak under the load that is sent because of the bytes."""
    begins = 12_000
    verdict, service = run(sawtooth(8 * 2**20, 0.6), leak(0, 0.5, 0.05, after=begins), seed=seed)

    assert verdict.outcome is not Outcome.CLEAN or service.world.served < 1.2 * begins


def test_the_bound_of_a_signal_holds_for_further_loads_as_well():
    flat = block_of([5] * 11)
    went_on = flat.followed_by([look(11, 5 + round(0.002 * sum(FURTHER)))], further=FURTHER)

    assert flat.estimate(GOROUTINES, Outcome.CLEAN, THRESHOLDS).high == 0
    assert went_on.estimate(GOROUTINES, Outcome.CLEAN, THRESHOLDS).high == pytest.approx(0.002)
    assert GOROUTINES not in went_on.unbounded(THRESHOLDS)
    assert GOROUTINES in flat.followed_by([look(11, 150)], further=FURTHER).unbounded(THRESHOLDS)


@settings(max_examples=40, deadline=None)
@given(period_s=PERIODS_S, per_request=st.floats(1, 8), seed=st.integers(1, 10**6), doubles=st.booleans())
def test_no_leak_of_the_tolerance_is_clean_for_the_load_that_was_to_outweigh_it(period_s, per_request, seed, doubles):
    leaked = per_request * THRESHOLDS.margin(Signal.HEAP_BYTES)
    leaking = growing_slice(leaked, 2.0) if doubles else leak(leaked, 0)
    verdict, service = run(leaking, sawtooth(8 * 2**20, period_s), seed=seed)

    assert verdict.outcome is not Outcome.CLEAN or len(service.blocks[-1]) > 3
