"""A total budget, dealt out to checks in doubt without starving those to come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.session.allowance import LEAST_S, RESERVE_S, Allowance
from tests.measure.fakes import FakeClock


def test_a_check_in_doubt_gets_what_others_did_not_need():
    clock = FakeClock()
    allowance = Allowance(60, checks=4, clock=clock)

    assert allowance.share(60) == 60 - 3 * RESERVE_S
    clock.time = 2
    assert allowance.share(30) == 30


def test_what_one_check_overdraws_the_next_ones_lack():
    clock = FakeClock()
    allowance = Allowance(20, checks=2, clock=clock)
    allowance.share(30)
    clock.time = 19

    assert allowance.share(30) is None


def test_too_little_for_all_is_enough_for_the_first_ones():
    for total, measured in ((2, 1), (5, 2), (8, 4), (1.5, 0)):
        clock = FakeClock()
        clock.time = 12345.678
        allowance = Allowance(total, checks=4, clock=clock)
        shares = []
        for _ in range(4):
            shares.append(allowance.share(30))
            clock.time += shares[-1] or 0
        assert [share is not None for share in shares] == [number < measured for number in range(4)]
        assert all(share is None or share >= LEAST_S - 1e-6 for share in shares)
    assert "the total budget is 1.5 s, and one endpoint needs at least 2" in allowance.refusal()


def test_the_refusal_says_what_is_left():
    clock = FakeClock()
    allowance = Allowance(20, checks=2, clock=clock)
    allowance.share(30)
    clock.time = 19

    assert allowance.share(30) is None
    assert allowance.refusal().startswith("of the total budget of 20 s 1.0 s are left, and one endpoint needs")


def test_the_clock_starts_with_the_first_check():
    clock = FakeClock()
    allowance = Allowance(20, checks=1, clock=clock)
    clock.time = 100

    assert allowance.share(30) == 20


def test_a_budget_of_its_own_that_is_shorter_still_counts():
    assert Allowance(100, checks=1, clock=FakeClock()).share(1) == 1


@given(
    total=st.floats(1, 600),
    checks=st.integers(1, 60),
    needs=st.lists(st.floats(0.5, 40), min_size=60, max_size=60),
)
def test_the_total_is_kept_and_nobody_starves_early(total, checks, needs):
    clock = FakeClock()
    allowance = Allowance(total, checks=checks, clock=clock)
    for number in range(checks):
        share = allowance.share(30)
        if share is None:
            assert total - clock.time < max(LEAST_S, total / checks * (checks - number) + 1e-6)
            continue
        assert share <= 30
        clock.time += min(share, needs[number])

    assert clock.time <= total + 1e-6
