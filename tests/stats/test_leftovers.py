"""What earlier measurements may have left for a while, by where levels came to rest."""

import pytest

from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.leftovers import left_over


def objects_left(*looks, life_s=32, later_s=0):
    seen = [
        Observation(at_s=at_s, heap_bytes=7, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)
        for at_s, objects in looks
    ]
    before_s = seen[-1].at_s + later_s if seen else 0
    return left_over([Measured(looks=tuple(seen))] if seen else [], before_s=before_s, life_s=life_s)[
        Signal.HEAP_OBJECTS
    ]


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


def measured(*looks, most=None):
    seen = tuple(
        Observation(at_s=at_s, heap_bytes=7, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)
        for at_s, objects in looks
    )
    return Measured(looks=seen, most_left={} if most is None else {Signal.HEAP_OBJECTS: most})


def both(first, second, *, before_s, life_s=16):
    return left_over([first, second], before_s=before_s, life_s=life_s)[Signal.HEAP_OBJECTS]


def test_no_more_is_left_than_verdicts_allow():
    rising, resting = ((0, 1000), (4, 90_000), (9, 4000)), ((9, 4000), (12, 80_000), (15, 4000))

    assert both(measured(*rising, most=300), measured(*resting, most=40), before_s=15) == 340
    assert both(measured(*rising, most=300), measured(*resting, most=9000), before_s=15) == 3000, (
        "more than levels rose"
    )
    assert both(measured(*rising), measured(*resting, most=40), before_s=15) == 3000, "nothing is proven of the first"


def test_verdicts_of_long_ago_allow_nothing():
    rising, resting = ((0, 1000), (4, 90_000), (9, 4000)), ((9, 4000), (22, 80_000), (26, 4000))

    assert both(measured(*rising), measured(*resting, most=40), before_s=26) == 40
