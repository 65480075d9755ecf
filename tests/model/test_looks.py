"""How a level is read where it may not rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.looks import Looks
from pytest_goleak.model.observation import Observation, Signal


def seen(*levels):
    return [
        Observation(at_s=index, heap_bytes=byte, heap_objects=objects, goroutines=9, total_alloc=index, num_gc=index)
        for index, (byte, objects) in enumerate(levels)
    ]


def test_the_mean_counts_or_the_least():
    observations = seen((1000, 20), (3000, 10))

    mean, least = Looks(most=2).read(observations), Looks(most=2, is_least=True).read(observations)

    assert (mean.at_s, mean.heap_bytes, mean.heap_objects) == (1, 2000, 15)
    assert (least.at_s, least.heap_bytes, least.heap_objects) == (1, 1000, 10)


@pytest.mark.parametrize(
    ("levels", "is_over"),
    [
        ([900], False),
        ([500, 900], False),
        ([900, 500], True),
        ([900, 700, 400], True),
        ([900, 400, 800], True),
        ([600, 200, 599, 201, 590], True),
        ([900, 600, 800, 501], False),
    ],
)
def test_a_reading_ends_once_a_level_has_fallen(levels, is_over):
    looks = Looks(most=9, falls={Signal.HEAP_BYTES: 400})

    assert looks.are_over(seen(*((level, 1) for level in levels))) is is_over


def test_each_signal_has_to_fall_and_none_is_waited_for_for_ever():
    looks = Looks(most=4, falls={Signal.HEAP_BYTES: 100, Signal.HEAP_OBJECTS: 10})

    assert not looks.are_over(seen((900, 50), (100, 50), (300, 50)))
    assert looks.are_over(seen((900, 50), (100, 50), (300, 40)))
    assert looks.are_over(seen((900, 50), (100, 50), (300, 50), (400, 50)))


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(1, 10**6), st.integers(1, 30))
def test_more_looks_never_make_a_reading_unfinished(levels, fall, most):
    looks = Looks(most=most, falls={Signal.HEAP_BYTES: fall})
    observations = seen(*((level, 1) for level in levels))
    over = [looks.are_over(observations[:count]) for count in range(1, len(levels) + 1)]

    assert over == sorted(over)
