"""What earlier measurements may have left for a while, by where levels came to rest."""

from pytest_goleak.model.observation import Leftover, Observation, Signal
from pytest_goleak.stats.retention import inherited


def look(at_s, objects):
    return Observation(at_s=at_s, heap_bytes=100 * objects, heap_objects=objects, goroutines=7, total_alloc=0, num_gc=0)


def measured(*looks):
    """Return the leftovers of measurements, each given as (time, objects) pairs."""
    leftovers = []
    for each in looks:
        leftovers.append(Leftover.of([look(*pair) for pair in each], earlier=leftovers))
    return leftovers


def objects_of(leftovers, *, since_s, before_s):
    return inherited(leftovers, since_s=since_s, before_s=before_s)[Signal.HEAP_OBJECTS]


def test_what_rose_and_stayed_may_go_away_later():
    leftovers = measured([(0, 1000), (1, 6000), (2, 5500)])

    assert objects_of(leftovers, since_s=1, before_s=3) == 4500


def test_what_rose_and_came_to_rest_again_is_gone():
    leftovers = measured([(0, 1000), (1, 90_000), (9, 1020)])

    assert objects_of(leftovers, since_s=5, before_s=10) == 20


def test_a_level_at_rest_may_be_new_where_as_much_of_the_old_could_go():
    leftovers = measured([(0, 1000), (1, 6000)], [(2, 9000), (4, 6000)])

    assert objects_of(leftovers, since_s=0, before_s=5) == 5000 + 3000
    assert objects_of(leftovers, since_s=2, before_s=5) == 3000


def test_what_was_too_old_to_go_away_made_no_room():
    leftovers = measured([(0, 1000), (1, 6000)], [(1.1, 6000), (20, 6000)], [(21, 9000), (24, 6000)])

    assert objects_of(leftovers, since_s=22, before_s=25) == 0
    assert objects_of(leftovers, since_s=0, before_s=25) == 5000 + 3000


def test_what_ended_before_is_left_out():
    leftovers = measured([(0, 1000), (1, 6000)])

    assert objects_of(leftovers, since_s=1, before_s=5) == 0


def test_a_rise_by_the_warm_up_counts():
    leftovers = measured([(0, 1000), (1, 1000)], [(2, 4000), (3, 4000)])

    assert objects_of(leftovers, since_s=0, before_s=4) == 3000
