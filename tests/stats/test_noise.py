"""How to look at levels that never rest."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.stats.design import FEW_ROUNDS, Thresholds
from pytest_goleak.stats.noise import best_looking, is_restless

THRESHOLDS = Thresholds(Tolerance())
BYTES = (Signal.HEAP_BYTES,)
INTERVAL_S = 0.03


def listened(levels):
    return [
        Observation(
            at_s=index * INTERVAL_S,
            heap_bytes=round(level),
            heap_objects=9_000,
            goroutines=12,
            total_alloc=index,
            num_gc=index,
        )
        for index, level in enumerate(levels)
    ]


def looking(levels, *, seconds=20.0, rate=5000):
    return best_looking(listened(levels), BYTES, thresholds=THRESHOLDS, seconds=seconds, rate=rate)


def sawtooth(period, *, count=90, plateau=0.06):
    """Memory that swells in steps and is dropped at once."""
    return [2**20 * (((index * INTERVAL_S) % period) // plateau) for index in range(count)]


@pytest.mark.parametrize("rate", [5000, 45_000])
@pytest.mark.parametrize("period", [0.3, 0.5, 0.8])
def test_a_sawtooth_is_read_where_it_was_dropped(period, rate):
    found = looking(sawtooth(period), rate=rate)

    assert found.looks.is_least
    assert found.looks.falls[Signal.HEAP_BYTES] > 2**20
    assert 0.4 * period < found.seconds < 0.8 * period
    assert found.looks.most * INTERVAL_S > period


@pytest.mark.parametrize("rate", [5000, 45_000])
def test_load_that_takes_no_time_beside_the_looks_makes_up_for_falls_that_are_seen_late(rate):
    found = looking(sawtooth(0.8), rate=rate)

    assert found.needed_dose < 1000, "all falls of this saw-tooth were seen as late as one another"
    assert 0.3 * 0.8 < found.ample_dose / rate < 0.8
    assert found.rounds == FEW_ROUNDS


def test_a_sawtooth_that_was_dropped_too_rarely_is_read_at_its_lowest_over_a_whole_period():
    found = looking(sawtooth(1.5))

    assert found.looks.is_least
    assert not found.looks.falls
    assert found.seconds >= 1.4


def test_independent_noise_is_averaged_or_loaded_against():
    rng = random.Random(1)
    found = looking([rng.gauss(0, 200_000) for _ in range(90)])

    assert not found.looks.is_least
    assert found.needed_dose > 0


def test_a_level_that_rests_needs_one_look():
    assert looking([5] * 40).looks.most == 1


def test_looks_that_do_not_fit_into_the_time_are_not_taken():
    found = looking(sawtooth(0.8), seconds=2.0)

    assert found.seconds < 0.2


@given(st.lists(st.integers(0, 2**30), min_size=2, max_size=120), st.floats(0.1, 60))
def test_the_looks_of_a_block_fit_into_its_time(levels, seconds):
    found = looking(levels, seconds=seconds)

    assert found.looks.most == 1 or found.seconds < seconds / 10
    assert found.needed_dose >= 0


def test_what_swings_is_restless():
    assert is_restless(listened(sawtooth(0.5)), BYTES, THRESHOLDS)


@pytest.mark.parametrize(
    "levels",
    [
        [2**22 - 40_000 * index for index in range(60)],  # drains
        [2**22] * 60,  # rests
        [2**20 + 1000 * (index % 2) for index in range(60)],  # moves by too little to matter
        [2**22] * 30 + [2**20] * 30,  # drops once
    ],
)
def test_what_drains_or_rests_is_not_restless(levels):
    assert not is_restless(listened(levels), BYTES, THRESHOLDS)
