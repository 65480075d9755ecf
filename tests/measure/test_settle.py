import dataclasses
from itertools import pairwise

import pytest

from pytest_goleak.measure.settle import (
    LITTLE_PATIENCE_S,
    PATIENCE_S,
    Patience,
    check_same_process,
    listen,
    look_again,
    settle,
)
from pytest_goleak.model.errors import TargetRestartedError
from pytest_goleak.model.looks import Looks
from tests.measure.fakes import FakeClock, FakeSource

REST = (1_000_000, 9_000, 10)


def source_of(*levels, **settings):
    clock = FakeClock()
    return FakeSource(clock, levels, **settings), clock


@pytest.mark.parametrize(
    ("now", "collections"),
    [
        ((1_004_000, 9_016, 10), 2),
        ((1_005_000, 9_000, 10), 3),
        ((1_000_000, 9_017, 10), 3),
        ((1_000_000, 8_983, 10), 3),
        ((1_000_000, 9_000, 11), 3),
    ],
)
def test_levels_that_moved_are_read_again(now, collections):
    source, clock = source_of(REST, now)
    before = source.observe(collections=1)
    source.collections = 0
    observation = settle(source, clock, before=before)

    assert (observation.heap_bytes, observation.heap_objects, observation.goroutines) == now
    assert source.collections == collections


def test_levels_of_which_nothing_is_known_are_read_again():
    source, clock = source_of(REST, cost_s=0.01)

    assert settle(source, clock).cost_s == 0.01, "what another look will cost"
    assert source.collections == 3


def test_looks_again_while_anything_falls():
    source, clock = source_of((3_000_000, 9_000, 40), (2_000_000, 9_000, 20), (1_500_000, 9_000, 10), REST, REST)

    assert settle(source, clock).heap_bytes == 1_000_000


def test_patience_is_bounded():
    source, clock = source_of(*((10**9 - 10**6 * i, 9_000, 10) for i in range(10**4)))
    settle(source, clock)

    assert PATIENCE_S <= clock.time < 2 * PATIENCE_S


def test_patience_that_was_lost_is_short_from_the_next_block_on():
    source, clock = source_of(*((10**9 - 10**6 * i, 9_000, 10) for i in range(10**4)))
    patience = Patience()
    times = [clock.time]
    for _ in range(2):
        settle(source, clock, patience=patience)
        times.append(clock.time)
    patience.begin_block()
    settle(source, clock, patience=patience)

    assert all(PATIENCE_S <= later - earlier < 2 * PATIENCE_S for earlier, later in pairwise(times))
    assert LITTLE_PATIENCE_S <= clock.time - times[-1] < 2 * LITTLE_PATIENCE_S


def test_patience_is_kept_where_levels_settle_in_time():
    patience = Patience()
    settle(*source_of((3_000_000, 9_000, 40), (2_000_000, 9_000, 20), REST), patience=patience)

    assert not patience.is_lost


def test_slow_collections_are_not_repeated():
    source, clock = source_of((3_000_000, 9_000, 10), (2_000_000, 9_000, 10), REST, cost_s=0.5)

    assert settle(source, clock).heap_bytes == 2_000_000
    assert source.collections == 2


def test_the_least_of_several_looks():
    source, clock = source_of(REST, REST, REST, (1_200_000, 9_030, 12), (900_000, 9_060, 13))

    observation = look_again(source, clock, Looks(most=3, is_least=True), first=settle(source, clock))

    assert (observation.heap_bytes, observation.heap_objects, observation.goroutines) == (900_000, 9_000, 10)


def test_listening_looks_again_and_again_for_as_long_as_asked():
    source, clock = source_of(REST)
    seen = listen(source, clock, seconds=1.0)

    assert 1.0 <= clock.time < 1.1
    assert 40 < len(seen) < 60


def test_several_looks_give_their_mean():
    source, clock = source_of(REST, REST, REST, (1_300_000, 9_300, 40), (1_300_000, 9_300, 40))
    mean = look_again(source, clock, Looks(most=3), first=settle(source, clock))

    assert (mean.heap_bytes, mean.heap_objects, mean.goroutines) == (1_200_000, 9_200, 30)


@pytest.mark.parametrize("fallen", ["total_alloc", "num_gc"])
def test_counters_that_fall_mean_another_process(fallen):
    source, _ = source_of(REST)
    before = source.observe()
    after = dataclasses.replace(source.observe(), **{fallen: 1})

    check_same_process(before, before)
    with pytest.raises(TargetRestartedError, match=r"fell from [\d,]+ to 1.*restarted"):
        check_same_process(before, after)
