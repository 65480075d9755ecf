"""Classes of growth: what a leak follows, where bounded growth ended, and when a drain will."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.growth import GrowthClass, Point
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.classes import class_of_bounded, class_of_leak, drain_forecast
from pytest_goleak.stats.design import Coin, Thresholds
from pytest_goleak.stats.evidence import judge_block

THRESHOLDS = Thresholds(Tolerance())


def observation(at_s: float, *, objects: float = 9_000, goroutines: float = 12) -> Observation:
    return Observation(
        at_s=at_s,
        heap_bytes=2_000_000 + 64 * round(objects),
        heap_objects=round(objects),
        goroutines=round(goroutines),
        total_alloc=0,
        num_gc=0,
    )


def block(per_request=0.0, per_connection=0.0, per_error=0.0, *, seed="x", errors=0.1, noise=0.0, connections=16):
    """A block of a service that leaks goroutines in the given ways, each connection and failure counted."""
    rng = random.Random(seed)
    doses = Coin(seed).doses(1_000)
    level, levels, loads = 12.0, [observation(0)], []
    for index, dose in enumerate(doses):
        load = None
        if dose:
            failed = sum(rng.random() < errors for _ in range(dose))
            load = LoadResult(
                planned=dose,
                completed=dose,
                status_codes={200: dose - failed, 500: failed},
                duration_s=0.1,
                connections=connections,
            )
            level += per_request * dose + per_connection * connections + per_error * failed
        loads.append(load)
        levels.append(observation(index + 1, goroutines=level + rng.gauss(0, noise)))
    result = BlockResult(observations=tuple(levels), loads=tuple(loads), elapsed_s=10)
    return judge_block(doses, result, served_before=0)


def blocks(**leaks):
    return [block(seed="a", **leaks), block(seed="b", **leaks)]


@pytest.mark.parametrize(
    ("leaks", "expected"),
    [
        ({"per_request": 1}, GrowthClass.PER_REQUEST),
        ({"per_request": 0.1}, GrowthClass.PER_REQUEST),
        ({"per_connection": 1}, GrowthClass.PER_CONNECTION),
        ({"per_connection": 3}, GrowthClass.PER_CONNECTION),
        ({"per_error": 1}, GrowthClass.PER_ERROR),
        ({"per_error": 2}, GrowthClass.PER_ERROR),
    ],
)
def test_what_a_leak_follows(leaks, expected):
    assert class_of_leak(blocks(**leaks), [Signal.HEAP_BYTES, Signal.GOROUTINES]) is expected


@given(st.integers(0, 10_000))
def test_noise_does_not_make_a_connection_of_a_request(seed):
    noisy = [block(per_request=0.5, noise=20, seed=f"{seed}/{part}") for part in "ab"]

    assert class_of_leak(noisy, [Signal.GOROUTINES]) is GrowthClass.PER_REQUEST


def test_a_connection_for_each_request_is_a_request():
    doses = Coin("c").doses(500)
    level, levels, loads = 0, [observation(0, goroutines=0)], []
    for index, dose in enumerate(doses):
        level += dose
        loads.append(LoadResult(planned=dose, completed=dose, connections=dose) if dose else None)
        levels.append(observation(index + 1, goroutines=level))
    one = judge_block(doses, BlockResult(observations=tuple(levels), loads=tuple(loads), elapsed_s=9), served_before=0)

    assert class_of_leak([one], [Signal.GOROUTINES]) is GrowthClass.PER_REQUEST


def points(levels):
    return [
        Point(at_s=float(n), requests=100 * n, heap_bytes=2_000_000, heap_objects=level, goroutines=12)
        for n, level in enumerate(levels)
    ]


def test_a_cache_that_filled():
    growth_class, after = class_of_bounded(points([0, 300, 600, 900, 1000, 1000, 1000]), THRESHOLDS)

    assert (growth_class, after) == (GrowthClass.FILL, 400)


def test_something_made_once():
    growth_class, after = class_of_bounded(points([0, 2, 1, 1500, 1501, 1502, 1500]), THRESHOLDS)

    assert (growth_class, after) == (GrowthClass.STEP, 300)


@pytest.mark.parametrize("levels", [[0, 30, 5, 60, 20, 10, 25], [0, 0, 0], [500, 300, 100, 50, 20]])
def test_nothing_to_speak_of(levels):
    assert class_of_bounded(points(levels), THRESHOLDS) == (GrowthClass.FLAT, None)


def test_a_drain_at_a_constant_rate_is_forecast():
    falling = [observation(n, objects=10_000 - 500 * n) for n in range(9)]

    assert drain_forecast(falling, Signal.HEAP_OBJECTS, 1_000) == pytest.approx((6_000 - 1_000) / 500)


@pytest.mark.parametrize("step", [0, 300])
def test_what_does_not_fall_has_no_forecast(step):
    rising = [observation(n, objects=10_000 + step * n) for n in range(9)]

    assert drain_forecast(rising, Signal.HEAP_OBJECTS, 1_000) is None


def test_two_looks_are_no_course():
    assert drain_forecast([observation(0), observation(1, objects=10)], Signal.HEAP_OBJECTS, 0) is None
