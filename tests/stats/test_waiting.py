"""When an idle wait is over: by what the rounds added, not only by what they left."""

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.step import AGREEING_S, BlockResult
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import judge_block
from pytest_goleak.stats.waiting import wait_after

THRESHOLDS = Thresholds(Tolerance())
OBJECTS = Signal.HEAP_OBJECTS
START = 10_000


def look(at_s, objects):
    return Observation(at_s=at_s, heap_bytes=2**20, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)


def block_of(*, kept, gone, dose=500):
    """A block whose loaded rounds add *kept* and *gone* objects, of which the idle ones take the latter away."""
    doses = (dose, 0) * 5
    levels = [START]
    for load in doses:
        levels.append(levels[-1] + (kept + gone if load else -gone))
    looks = tuple(look(float(at_s), level) for at_s, level in enumerate(levels))
    loads = tuple(LoadResult(planned=load, completed=load, duration_s=0.9) if load else None for load in doses)
    return judge_block(doses, BlockResult(observations=looks, loads=loads, elapsed_s=10.0), served_before=1_000)


def wait(block, *, is_whole=False, has_rested=False, signals=(OBJECTS,)):
    return wait_after([block], 8.0, THRESHOLDS, signals=signals, is_whole=is_whole, has_rested=has_rested)


def waited(*objects, every_s=0.25):
    return [look(10.0 + every_s * index, level) for index, level in enumerate(objects)]


def test_a_wait_lasts_until_what_was_added_is_nearly_gone():
    leaky = wait(block_of(kept=600, gone=0))

    assert leaky.until[OBJECTS] == START + 0.4 * 0.1 * 2_500
    assert not leaky.is_over(waited(*[13_000] * 32))
    assert leaky.is_over(waited(13_000, 12_000, *[10_050] * 8))


def test_little_that_stays_of_much_that_went_before_is_waited_for_no_longer_than_it_takes_to_see_that_it_stays():
    quick = block_of(kept=28, gone=600)  # 140 of 3,000 are left
    stands = waited(*[START + 140] * 9)

    assert not wait(quick).is_over(stands[:3])
    assert wait(quick).is_over(stands)
    assert not wait(quick, is_whole=True).is_over(stands)


def test_little_that_stays_of_little_is_waited_for():
    assert not wait(block_of(kept=28, gone=0)).is_over(waited(*[START + 140] * 32))


@pytest.mark.parametrize("has_rested", [True, False])
def test_looks_agree_for_as_long_as_the_loads_paused_unless_there_was_a_wait_before(has_rested):
    step = wait(block_of(kept=600, gone=0), has_rested=has_rested)

    assert step.agreeing_s == (AGREEING_S if has_rested else pytest.approx(1.5 * 1.1))


def test_only_the_signals_in_doubt_are_waited_for():
    assert set(wait(block_of(kept=600, gone=0)).until) == {OBJECTS}
    assert set(wait(block_of(kept=600, gone=0), signals=tuple(Signal)).until) == set(Signal)
