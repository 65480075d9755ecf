import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from pytest_goleak.stats.randomisation import analyse, pool

ROUNDS = 10


def levels_of(growth, start=1000.0):
    return [start, *(start + np.cumsum(growth))]


@st.composite
def blocks(draw):
    loaded = set(draw(st.permutations(range(ROUNDS)))[: ROUNDS // 2])
    doses = [draw(st.integers(80, 120)) if i in loaded else 0 for i in range(ROUNDS)]
    growth = [draw(st.integers(-5000, 5000)) for _ in range(ROUNDS)]
    return doses, growth


@given(blocks())
def test_p_value_is_that_of_scipys_exact_permutation_test(block):
    doses, growth = block
    dose = np.array(doses)
    growths = np.array(growth, dtype=float)
    expected = permutation_test(
        (growths[dose > 0], growths[dose == 0]),
        lambda x, y: np.mean(x) - np.mean(y),
        permutation_type="independent",
        alternative="greater",
        n_resamples=np.inf,
    ).pvalue

    assert analyse(levels_of(growth), doses).growth_per_request().p_value == pytest.approx(expected)


@given(blocks())
def test_bounds_are_where_the_test_of_that_growth_stops_rejecting(block):
    """The interval is found without search; a search must find the same."""
    doses, growth = block
    found = analyse(levels_of(growth), doses).growth_per_request()

    def rejects_as_too_large(b):
        rest = [g - b * d for g, d in zip(growth, doses, strict=True)]
        mirrored = [-x for x in rest]
        return analyse(levels_of(mirrored), doses).growth_per_request().p_value <= 0.025

    step = 1e-3 * (1 + abs(found.high))
    assert rejects_as_too_large(found.high + step)
    assert not rejects_as_too_large(found.high - step)


@given(blocks(), st.integers(-100, 100), st.integers(-1000, 1000))
def test_drift_moves_nothing_and_a_leak_moves_everything_by_itself(block, leak, drift):
    doses, growth = block
    plain = analyse(levels_of(growth), doses).growth_per_request()
    moved = [g + leak * d + drift for g, d in zip(growth, doses, strict=True)]
    shifted = analyse(levels_of(moved), doses).growth_per_request()

    assert shifted.per_request == pytest.approx(plain.per_request + leak, abs=1e-6)
    assert shifted.low == pytest.approx(plain.low + leak, abs=1e-6)
    assert shifted.high == pytest.approx(plain.high + leak, abs=1e-6)


@given(blocks())
def test_estimate_lies_within_its_bounds(block):
    doses, growth = block
    found = analyse(levels_of(growth), doses).growth_per_request()

    assert found.low <= found.per_request <= found.high
    assert 1 / 252 <= found.p_value <= 1 + 1e-12


def test_a_leak_without_noise_is_measured_exactly():
    doses = [100, 0, 90, 0, 0, 110, 100, 0, 0, 105]
    found = analyse(levels_of([3 * dose for dose in doses]), doses).growth_per_request()

    assert (found.per_request, found.low, found.high) == (3.0, 3.0, 3.0)
    assert found.p_value == pytest.approx(1 / 252)


def test_two_rounds_prove_nothing():
    growth = analyse([0, 100, 100], [10, 0]).growth_per_request()

    assert growth.low == -math.inf
    assert growth.high == math.inf


@given(blocks(), blocks())
def test_pooled_blocks_measure_a_common_leak(first, second):
    pooled = pool(
        analyse(levels_of([7 * dose for dose in first[0]]), first[0]),
        analyse(levels_of([7 * dose for dose in second[0]]), second[0]),
    ).growth_per_request()

    assert pooled.per_request == pytest.approx(7)
    assert pooled.p_value == pytest.approx(1 / 252**2)


def test_false_alarm_rate_is_the_level_whatever_the_noise():
    """Autocorrelated, heavy-tailed noise: the share of p <= 6/252 must be 6/252, because the coin is ours."""
    rng = np.random.default_rng(5)
    runs, alarms = 4000, 0
    for _ in range(runs):
        noise = np.cumsum(rng.standard_t(1.5, ROUNDS)) + np.sin(np.arange(ROUNDS))
        doses = np.zeros(ROUNDS, dtype=int)
        doses[rng.permutation(ROUNDS)[: ROUNDS // 2]] = 100
        alarms += analyse(levels_of(noise), list(doses)).growth_per_request().p_value <= 6 / 252 + 1e-9
    expected = runs * 6 / 252

    assert abs(alarms - expected) < 4 * math.sqrt(expected)
