"""What is alive after the load bounds what requests left, whatever the noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import BLOCK_ROUNDS, Thresholds
from pytest_goleak.stats.evidence import Evidence, judge_block

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
