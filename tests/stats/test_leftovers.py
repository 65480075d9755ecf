"""What earlier measurements may have left for a while, by where levels came to rest."""

import pytest

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.leftovers import left_over


def objects_left(*looks, life_s=32, later_s=0):
    past = [
        Observation(at_s=at_s, heap_bytes=7, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)
        for at_s, objects in looks
    ]
    before_s = past[-1].at_s + later_s if past else 0
    return left_over(past, before_s=before_s, life_s=life_s)[Signal.HEAP_OBJECTS]


def test_what_rose_and_is_still_there_may_go_away_later():
    assert objects_left((0, 1000), (1, 6000), (2, 5500), (17, 5500)) == 4500


def test_what_came_to_rest_again_is_gone():
    assert objects_left((0, 1000), (1, 90_000), (9, 1020)) == 20


def test_new_levels_may_be_as_high_as_old_ones_where_as_much_could_go():
    assert objects_left((0, 1000), (1, 6000), (2.6, 1000), (4, 6000), life_s=1.6) == 5000
    assert objects_left((0, 1000), (0.9, 6000), (1.1, 6000), (2.3, 1000), (2.9, 6000), life_s=1) == 5000
    assert objects_left((0, 1000), (1, 6000), (3, 6000), (4, 9000), (5, 6000), life_s=2.5) == 3000


def test_what_outlives_everything_that_goes_away_stays():
    assert objects_left((0, 1000), (1, 6000), (20, 6000), (40, 6000), life_s=40) == 5000
    assert objects_left((0, 1000), (1, 6000), (20, 6000), (40, 6000), life_s=16) == 0


def test_time_without_a_look_counts_as_well():
    assert objects_left((0, 1000), (1, 6000), life_s=10, later_s=8) == 5000
    assert objects_left((0, 1000), (1, 6000), life_s=10, later_s=11) == 0


@pytest.mark.parametrize("looks", [[], [(-2, 1000)], [(0, 1000), (0, 1000)]])
def test_nothing_is_left_of_what_nobody_looked_at(looks):
    assert objects_left(*looks) == 0


def test_a_fall_leaves_nothing():
    assert objects_left((0, 9000), (1, 1000)) == 0
