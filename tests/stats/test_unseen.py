"""What may go away while an endpoint is measured: by its requests, and by where levels stood before the first one."""

import math
from dataclasses import replace

import pytest

from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.unseen import Unseen

OBJECTS = Signal.HEAP_OBJECTS
REST = Observation(at_s=0.0, heap_bytes=10**6, heap_objects=5_000, goroutines=10, total_alloc=0, num_gc=0)


WATCHED = Measured(looks=(replace(REST, at_s=-30.0), REST))


def objects_unseen(start, *, past, per_request=18.0):
    """Return what may be left at a level of *start* objects of 500 requests that left *per_request* for a while."""
    unseen = Unseen(past, wait_s=8.0)
    unseen.sent(500, at_s=2.0)
    unseen.grew({**dict.fromkeys(Signal, 0.0), OBJECTS: per_request})
    return unseen.at(replace(REST, at_s=2.0, heap_objects=start))[OBJECTS]


@pytest.mark.parametrize(
    ("start", "expected"),
    [(5_000, 0), (9_000, 4_000), (5_000 + 18 * 500, 9_000), (99_000, 9_000)],
)
def test_no_more_is_left_of_requests_than_levels_rose_since_the_first_one(start, expected):
    assert objects_unseen(start, past=[WATCHED]) == expected


def test_levels_tell_nothing_once_something_unknown_went_away():
    assert objects_unseen(4_000, past=[WATCHED]) == 9_000


def test_levels_of_a_process_that_nobody_has_watched_for_long_tell_nothing():
    assert objects_unseen(5_000, past=[Measured(looks=(replace(REST, at_s=-13.0), REST))]) == 9_000


def test_what_others_left_before_may_have_made_room_for_it():
    before = (replace(REST, at_s=-30.0, heap_objects=3_000), replace(REST, at_s=-3.0, heap_objects=3_000))

    assert objects_unseen(9_000, past=[Measured(looks=(*before, REST))]) == 4_000 + 2_000


def test_requests_alone_tell_where_nobody_looked_before_them():
    assert objects_unseen(5_000, past=[]) == 9_000
    assert objects_unseen(5_000, past=[], per_request=math.inf) == math.inf
