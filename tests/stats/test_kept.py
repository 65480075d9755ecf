"""Growth by the levels alone: what stayed after a wait, and what grew while waiting."""

import math
from dataclasses import replace

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.model.step import BlockResult, DrainResult
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.drift import background_drift, drift_at_rest
from pytest_goleak.stats.evidence import judge_block
from pytest_goleak.stats.kept import Kept, kept_of
from pytest_goleak.stats.rest import rest_after
from pytest_goleak.stats.unseen import Unseen

THRESHOLDS = Thresholds(Tolerance())
OBJECTS = Signal.HEAP_OBJECTS
DOSES = (500, 0, 500, 0, 0, 500, 500, 0, 500, 0)


def look(at_s, objects):
    return Observation(at_s=at_s, heap_bytes=2**20, heap_objects=round(objects), goroutines=7, total_alloc=0, num_gc=0)


def block_of(in_round, late, *, doses=DOSES):
    """Return a block of rounds of one second: each request adds *in_round* objects, and *late* ones a round later."""
    looks, level = [look(0, 10_000)], 10_000
    for index, dose in enumerate(doses):
        before = doses[index - 1] if index else 0
        level += in_round * dose + late * before
        looks.append(look(index + 1, level))
    loads = [LoadResult(planned=dose, completed=dose, duration_s=0.9) if dose else None for dose in doses]
    result = BlockResult(observations=tuple(looks), loads=tuple(loads), elapsed_s=10.0)
    return judge_block(doses, result, served_before=1_000)


def wait_after(block, *, per_s=0.0, seconds=4):
    ended = block.end
    return [
        look(ended.at_s + 0.25 * count, ended.heap_objects + 0.25 * count * per_s) for count in range(4 * seconds + 1)
    ]


def estimate(per_request, error, outcome=Outcome.LEAK):
    return SignalEstimate(
        per_request=per_request,
        low=per_request - error,
        high=per_request + error,
        p_value=0.004,
        min_detectable=0.01,
        outcome=outcome,
    )


def test_what_comes_a_round_late_is_missed_by_the_rounds_and_found_by_the_levels():
    block = block_of(3.0, 1.0)
    kept = kept_of(OBJECTS, [block], wait_after(block), THRESHOLDS)

    assert block.growth[OBJECTS].per_request < 3.5
    assert kept.per_request == pytest.approx(4.0, abs=kept.error)
    assert kept.error < 0.8


def shifted(block, *, by, later_s=0.0, jump=0):
    """Return *block* so much higher and later, after a *jump* in its first round."""
    looks = [
        replace(each, heap_objects=each.heap_objects + by + (jump if index else 0), at_s=each.at_s + later_s)
        for index, each in enumerate(block.result.observations)
    ]
    return replace(block, result=replace(block.result, observations=tuple(looks)))


def test_what_earlier_blocks_filled_or_left_to_come_late_is_none_of_it():
    leaking = block_of(2.0, 0.0)  # 2,500 requests
    filled, after_it = shifted(leaking, by=0, jump=3_000), shifted(leaking, by=8_000, later_s=10)
    spilt_into = shifted(leaking, by=5_000, later_s=10, jump=3_000)

    def kept(*blocks):
        return kept_of(OBJECTS, blocks, wait_after(blocks[-1]), THRESHOLDS).per_request

    assert kept(filled, after_it) == pytest.approx(2.0)
    assert kept(spilt_into) == pytest.approx(3.2)
    assert kept(leaking, spilt_into) == pytest.approx(2.6)


def test_growth_that_goes_on_while_waiting_is_taken_off():
    block = block_of(1.0, 0.0)
    drifting = [look(each.at_s, each.heap_objects + 400 * each.at_s) for each in wait_after(block, seconds=6)]

    kept = kept_of(OBJECTS, [block], drifting, THRESHOLDS)

    assert kept.per_request == pytest.approx(1.0, abs=0.01)


def test_a_wait_too_short_to_tell_what_grows_meanwhile_tells_nothing():
    block = block_of(1.0, 0.0)

    assert kept_of(OBJECTS, [block], wait_after(block)[:5], THRESHOLDS) is None
    assert kept_of(OBJECTS, [block], [], THRESHOLDS) is None


def test_growth_in_idle_rounds_is_no_drift_if_it_ends_with_the_load():
    late = block_of(1.0, 4.0, doses=(500, 0) * 5)
    rising = [look(0, 10_000)] + [look(at_s, 10_000 + 300 * at_s) for at_s in range(1, 11)]
    steady = judge_block(late.doses, replace(late.result, observations=tuple(rising)), served_before=0)

    assert OBJECTS in background_drift([late, late], THRESHOLDS)
    assert background_drift([late, late], THRESHOLDS, waited=wait_after(late)) == {}
    assert background_drift([steady, steady], THRESHOLDS, waited=wait_after(steady, per_s=300)) == {
        OBJECTS: pytest.approx(300)
    }


@pytest.mark.parametrize(
    ("levels", "drift"),
    [
        ([5_000] * 33, 0),
        ([5_000 - 2 * index for index in range(33)], 0),
        ([5_000 + 50 * index for index in range(33)], 200),
        ([9_000, 8_000] + [5_000 + 50 * index for index in range(2, 33)], 200),  # drains at first
        ([5_000] * 31 + [50_000] * 2, 0),  # leaps at last
        ([5_000 + 500 * (index % 7) for index in range(33)], 0),  # swells and is dropped
        ([5_000 + 500 * (index % 7) + 50 * index for index in range(33)], 200),
        ([9_000 - 250 * index for index in range(33)], None),  # drains all the time
    ],
)
def test_the_drift_of_a_wait_is_that_of_its_lowest_looks(levels, drift):
    looks = [look(index / 4, level) for index, level in enumerate(levels)]

    assert drift_at_rest(looks, OBJECTS, floor=64) == (drift if drift is None else pytest.approx(drift, abs=1))


def test_a_few_looks_tell_no_drift():
    assert drift_at_rest([look(0, 1), look(1, 2), look(2, 3)], OBJECTS, floor=64) is None
    assert drift_at_rest([look(0.02 * index, index) for index in range(60)], OBJECTS, floor=64) is None  # of 0.7 s
    assert drift_at_rest([], OBJECTS, floor=64) is None


@pytest.mark.parametrize(
    ("per_request", "error", "corrects"),
    [
        (4.0, 0.2, True),  # sharper, and more
        (4.0, 0.6, False),  # no sharper, and within the other's interval
        (9.0, 0.6, True),  # no sharper, but clearly more
        (2.9, 0.1, False),  # less
    ],
)
def test_what_stayed_corrects_an_estimate_that_is_too_low(per_request, error, corrects):
    assert Kept(per_request, error).corrects(estimate(3.3, 0.5)) is corrects


def test_what_stayed_and_may_exceed_the_tolerance_is_not_clean():
    given = estimate(0.02, 0.01, Outcome.CLEAN)

    assert Kept(0.05, 0.02).in_place_of(given, 0.1).outcome is Outcome.CLEAN
    assert Kept(0.09, 0.02).in_place_of(given, 0.1).outcome is Outcome.INCONCLUSIVE
    assert Kept(0.09, 0.02).in_place_of(given, 0.1).high == pytest.approx(0.11)


def rested(levels, *, apart_s=0.25, settled_s=1.0, start=0, unseen=0.0):
    """Return a wait whose looks found so many objects more than there were before the load."""
    block = block_of(1.0, 0.0)
    looks = [look(block.end.at_s + apart_s * count, 10_000 - start + level) for count, level in enumerate(levels)]
    drain, none = DrainResult(observations=tuple(looks), elapsed_s=20.0), dict.fromkeys(Signal, 0.0)
    return rest_after([block], drain, THRESHOLDS, settled_s=settled_s, backlog=none, unseen={**none, OBJECTS: unseen})


def waited(levels, **how):
    """Return what such a wait left of the objects."""
    return rested(levels, **how).kept[OBJECTS]


STEADY = [100 * left for left in range(32, -1, -1)]


def test_what_goes_steadily_still_falls_at_the_end_of_a_wait():
    assert waited(STEADY).is_falling
    assert waited(STEADY).is_going
    assert waited(STEADY[::5], apart_s=1.25).is_falling  # where looks are further apart than levels have to rest


def test_what_went_in_the_last_quarter_of_a_wait_and_no_longer_does_falls_no_more():
    gone = [1_000] * 27 + [0] * 6

    assert not waited(gone).is_falling
    assert waited(gone, settled_s=3.0).is_falling  # the loads paused as long as the level has rested now


def test_what_fell_all_at_once_shortly_before_the_end_of_a_wait_is_falling_and_does_not_go_on():
    gone = [1_000] * 30 + [0] * 3

    assert waited(gone).is_falling
    assert not waited(gone).is_going
    assert waited(gone).has_come_to_rest


def test_a_short_wait_that_goes_on_from_another_is_at_rest_once_looks_enough_agree():
    assert not waited([0, 0]).has_come_to_rest
    assert not waited([300, 200, 100]).has_come_to_rest
    assert waited([300, 0, 0, 0]).has_come_to_rest


def test_a_cycle_after_a_wait_that_ended_while_levels_fell_did_not_begin_at_rest():
    again = rested([100, 0, 0, 0])

    assert again.began_at_rest(rested([3_000] * 10 + [0] * 10), [OBJECTS])
    assert not again.began_at_rest(rested(STEADY), [OBJECTS])


@pytest.mark.parametrize(
    ("levels", "sunk", "unseen", "expected"),
    [
        (STEADY, 4_000, 0.0, math.inf),
        (STEADY, 4_000, 5_000.0, 0.0),  # so much was known of
        (STEADY, 4_000, math.inf, math.inf),  # what was unknown does not become known by going on
        ([3_000] * 10 + [0] * 10, 4_000, 0.0, 0.0),  # whatever it was, it is over
    ],
)
def test_what_nobody_knows_of_may_be_anything_until_levels_rest(levels, sunk, unseen, expected):
    rest = rested(levels, start=sunk, unseen=unseen)
    account = Unseen([], wait_s=8.0)
    account.waited(rest, since_s=0.0)

    assert account.at(replace(rest.drain.observations[-1], at_s=rest.ended_s + 1.0))[OBJECTS] == expected
