"""What a block says of growth with time, where its idle rounds are shorter than the loaded ones."""

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.blur import grows_with_time, is_proven_but_for_blur, would_blur
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence, judge_block

DOSE = 1_000
LOADED_S, IDLE_S = 0.3, 0.1
OBJECTS = Signal.HEAP_OBJECTS
THRESHOLDS = Thresholds(Tolerance())


def block_of(*, loaded, idle):
    """Return a block of alternating rounds that change the live objects by *loaded* and *idle*."""
    changes = [change for pair in zip(loaded, idle, strict=True) for change in pair]
    doses = (DOSE, 0) * len(loaded)
    looks = tuple(look(index, sum(changes[:index])) for index in range(len(changes) + 1))
    loads = tuple(LoadResult(planned=dose, completed=dose, duration_s=LOADED_S) if dose else None for dose in doses)
    result = BlockResult(observations=looks, loads=loads, elapsed_s=looks[-1].at_s)
    return judge_block(doses, result, served_before=500, is_even=False)


def look(rounds, objects):
    at_s = (rounds + 1) // 2 * LOADED_S + rounds // 2 * IDLE_S
    return Observation(at_s=at_s, heap_bytes=10**6, heap_objects=9_000 + objects, goroutines=9, total_alloc=0, num_gc=0)


def tells(block: Evidence) -> tuple[bool, bool, bool]:
    """Return whether objects are a hint, a rising one, and may grow with time."""
    hints, rising = block.hints(THRESHOLDS), block.rising_hints(THRESHOLDS)
    return OBJECTS in hints, OBJECTS in rising, grows_with_time(block, THRESHOLDS)


def test_growth_under_load_alone_is_no_growth_with_time_though_noise_leaves_it_open():
    assert tells(block_of(loaded=[130, 40, 25, 60, 25], idle=[-9, 12, 9, -12, 2])) == (True, False, False)


def test_growth_that_an_idle_round_had_as_well_may_be_by_time():
    assert tells(block_of(loaded=[130, 40, 25, 60, 25], idle=[20, 16, 12, 9, 18])) == (True, False, True)


def test_what_a_single_idle_round_happened_to_grow_is_no_growth_with_time():
    assert tells(block_of(loaded=[130, 40, 25, 60, 25], idle=[20, -9, 9, -12, 2])) == (True, False, False)


def test_steep_growth_under_load_needs_no_idle_round_to_be_told():
    assert tells(block_of(loaded=[190, 200, 210, 205, 195], idle=[1, -1, 0, 2, -2])) == (True, True, False)


STEADY = [0, 10, -10, 5, -5]
NOISY = [110, -105, 90, -100, 10]


@pytest.mark.parametrize(
    ("loaded", "idle", "dose", "blurs"),
    [
        pytest.param(STEADY, [15, -15, 12, -12, 0], DOSE, False, id="swings a little"),
        pytest.param(STEADY, [30, -30, 25, -25, 0], DOSE, False, id="swings by less than the margin has room for"),
        pytest.param(STEADY, [40, -40, 35, -35, 0], DOSE, True, id="swings by as much as the margin has room for"),
        pytest.param(STEADY, [40, -40, 35, -35, 0], 2 * DOSE, False, id="swings beside more requests"),
        pytest.param(NOISY, [15, -15, 12, -12, 0], DOSE, True, id="swings a little where load is noisy"),
        pytest.param(NOISY, [2, -2, 1, -1, 0], DOSE, False, id="rests where load is noisy"),
        pytest.param(STEADY[:2], [80, -80], DOSE, False, id="swings in a block of few rounds"),
        pytest.param(STEADY, [30, 28, 31, 30, 29], DOSE, True, id="grows without load"),
        pytest.param(STEADY[:2], [30, 28], DOSE, True, id="grows without load in few rounds"),
    ],
)
def test_short_idle_rounds_would_blur_what_changes_without_load_by_more_than_there_is_room_for(
    loaded, idle, dose, blurs
):
    assert would_blur(block_of(loaded=loaded, idle=idle), THRESHOLDS, dose=dose) is blurs


@pytest.mark.parametrize(
    ("loaded", "idle", "does"),
    [
        pytest.param([0, 10, -10, 5, -5], [6, -45, 6, -35, 50], True, id="what is unproven is by the blur alone"),
        pytest.param([0, 10, -10, 5, -5], [6, -15, 6, -15, 12], False, id="nothing is unproven, blurred as it is"),
        pytest.param([200, -210, 190, -180, 5], [6, -45, 6, -35, 50], False, id="noise under load as well"),
        pytest.param([130, 40, 25, 60, 25], [20, 16, 12, 9, 18], True, id="it may be time that grows"),
    ],
)
def test_rounds_of_equal_length_do_what_short_idle_ones_did_not(loaded, idle, does):
    assert is_proven_but_for_blur(block_of(loaded=loaded, idle=idle), THRESHOLDS) is does
