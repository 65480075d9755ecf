"""The coin, and the sizes of rounds that do not depend on it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.stats.design import BLOCK_ROUNDS, SPREAD, Coin
from pytest_goleak.stats.repetition import DOUBLING_DOSE

SEEDS = st.integers(0, 10**9).map(str)
SERVED = 10_000


@given(seed=SEEDS)
def test_sizes_vary_around_what_was_asked_for(seed):
    doses, sizes = Coin(seed).rounds(1_000)

    assert sum(dose > 0 for dose in doses) == BLOCK_ROUNDS // 2
    assert all(dose in (0, size) for dose, size in zip(doses, sizes, strict=True))
    assert all((1 - SPREAD) * 1_000 - 1 <= size <= (1 + SPREAD) * 1_000 + 1 for size in sizes)


@given(seed=SEEDS)
def test_in_each_loaded_round_of_a_growing_block_the_requests_grow_by_a_quarter(seed):
    """So does the capacity of a slice that is appended to: each of these rounds has a step."""
    doses, sizes = Coin(seed).rounds(round(DOUBLING_DOSE * SERVED), is_growing=True)
    served = SERVED
    for dose in filter(None, doses):
        assert dose >= 0.25 * served
        served += dose

    assert 0.9 * DOUBLING_DOSE * SERVED < sum(sizes) / len(sizes) < 1.1 * DOUBLING_DOSE * SERVED


@given(seed=SEEDS)
def test_the_sizes_of_a_growing_block_do_not_depend_on_which_rounds_are_loaded(seed):
    """Idle rounds last as long as the load of their size would, or the coin's choices would not be alike."""
    doses, sizes = Coin(seed).rounds(1_000, is_growing=True)
    ratios = [later / earlier for earlier, later in pairwise(sizes)]

    assert all(0.95 < ratio < 1.5 for ratio in ratios)
    assert all(dose in (0, size) for dose, size in zip(doses, sizes, strict=True))
