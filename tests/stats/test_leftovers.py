"""What earlier measurements may have left for a while, by where levels came to rest."""

import pytest

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.leftovers import left_over


def objects_left(*looks, since_s, before_s):
    past = [
        Observation(at_s=at_s, heap_bytes=7, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)
        for at_s, objects in looks
    ]
    return left_over(past, since_s=since_s, before_s=before_s)[Signal.HEAP_OBJECTS]


def test_what_rose_may_go_away_later():
    assert objects_left((0, 1000), (1, 6000), (2, 5500), since_s=0, before_s=3) == 4500


def test_what_came_to_rest_again_is_gone():
    assert objects_left((0, 1000), (1, 90_000), (9, 1020), since_s=0, before_s=10) == 20


def test_a_level_at_rest_may_be_new_where_as_much_of_the_old_could_go():
    rise = [(0, 1000), (1, 6000)]
    turnover = [(5, 6000), (6, 9000), (7, 6000)]

    assert objects_left(*rise, *turnover, since_s=4, before_s=8) == 3000


def test_what_was_too_old_to_go_away_made_no_room():
    rise = [(0, 1000), (1, 6000), (6, 6000)]
    turnover = [(15, 6000), (16, 9000), (17, 6000)]

    assert objects_left(*rise, *turnover, since_s=14, before_s=18) == 0


def test_what_is_older_than_anything_that_goes_away_is_left_out():
    assert objects_left((0, 1000), (1, 6000), (2, 6000), since_s=1, before_s=5) == 0


@pytest.mark.parametrize("since_s", [-3, 0])
def test_nothing_is_left_of_what_nobody_looked_at(since_s):
    assert objects_left(since_s=since_s, before_s=4) == 0
    assert objects_left((-2, 1000), since_s=since_s, before_s=4) == 0


def test_a_fall_leaves_nothing():
    assert objects_left((0, 9000), (1, 1000), since_s=-3, before_s=2) == 0
