"""The coin: which rounds get load, and how much."""

import math
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.stats.design import SPREAD, Coin

SEEDS = st.text(max_size=8)
REQUESTS = st.integers(1, 50_000)
ROUNDS = st.sampled_from([2, 4, 8, 10])


@given(SEEDS, REQUESTS, ROUNDS)
def test_a_total_is_never_missed_and_hardly_exceeded_and_idle_rounds_are_as_long(seed, requests, rounds):
    doses, sizes = Coin(seed).rounds(requests, rounds=rounds, is_total=True)
    wanted = requests * rounds // 2

    assert wanted <= sum(doses) <= wanted + rounds // 2
    assert wanted <= sum(sizes) - sum(doses) <= wanted + rounds // 2
    assert all(dose in (0, size) for dose, size in zip(doses, sizes, strict=True))
    assert math.floor((1 - SPREAD) * requests) <= min(sizes)
    assert max(sizes) <= math.ceil((1 + SPREAD) * requests)


def test_a_total_does_not_bias_which_rounds_are_loaded():
    """Each of ten rounds is loaded in half of 4,000 blocks, give or take five standard errors."""
    loaded = [0] * 10
    for seed in range(4_000):
        doses, _ = Coin(str(seed)).rounds(100, is_total=True)
        loaded = [count + (dose > 0) for count, dose in zip(loaded, doses, strict=True)]

    assert all(abs(count - 2_000) < 5 * math.sqrt(1_000) for count in loaded)


def test_without_one_what_a_block_sends_varies_by_chance():
    totals = [sum(Coin(str(seed)).doses(1_000)) for seed in range(200)]

    assert 4_900 < fmean(totals) < 5_100
    assert min(totals) < 4_700
    assert max(totals) > 5_300
