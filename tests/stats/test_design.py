"""The coin: which rounds get load, and how much."""

import math
from itertools import permutations
from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.stats.design import SPREAD, Coin

SEEDS = st.text(max_size=8)
REQUESTS = st.integers(1, 50_000)
ROUNDS = st.sampled_from([2, 4, 8, 10])


@given(SEEDS, REQUESTS, ROUNDS)
def test_a_total_is_never_missed_and_hardly_exceeded(seed, requests, rounds):
    doses, sizes = Coin(seed).rounds(requests, rounds=rounds, is_total=True)

    assert requests * rounds / 2 - 1e-6 <= sum(doses) <= (requests + 1) * rounds / 2
    assert all(dose in (0, size) for dose, size in zip(doses, sizes, strict=True))
    assert max(sizes) <= math.ceil(min(sizes) * (1 + SPREAD) / (1 - SPREAD))


@given(SEEDS, REQUESTS, ROUNDS)
def test_a_total_changes_neither_which_rounds_are_loaded_nor_how_sizes_compare(seed, requests, rounds):
    doses, sizes = Coin(seed).rounds(requests, rounds=rounds)
    exact, scaled = Coin(seed).rounds(requests, rounds=rounds, is_total=True)

    assert [dose > 0 for dose in doses] == [dose > 0 for dose in exact]
    assert all(
        scaled[first] <= scaled[second]
        for first, second in permutations(range(rounds), 2)
        if sizes[first] < sizes[second]
    )


def test_without_one_what_a_block_sends_varies_by_chance():
    totals = [sum(Coin(str(seed)).doses(1_000)) for seed in range(200)]

    assert 4_900 < fmean(totals) < 5_100
    assert min(totals) < 4_700
    assert max(totals) > 5_300
