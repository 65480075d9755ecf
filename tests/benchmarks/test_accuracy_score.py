"""Figures of the scoreboard from trials of known quality."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.accuracy.cases import Truth
from benchmarks.accuracy.score import FALLBACKS, Score, Share, share, spread_of
from benchmarks.accuracy.trial import Method
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome
from tests.benchmarks.trials import TRUTH, clean, estimate, leak, place

# --- shares ---------------------------------------------------------------------------------------------------------


@given(st.integers(1, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_is_wilsons(counts):
    hits, total = counts
    z, p = 1.959963984540054, hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))

    low, high = Share(hits=hits, total=total).interval

    assert low == pytest.approx(max(0.0, middle - half), abs=1e-9)
    assert high == pytest.approx(min(1.0, middle + half), abs=1e-9)
    assert low <= p <= high


def test_nothing_counted_says_nothing():
    assert share([]).value is None
    assert share([]).interval == (0.0, 1.0)
    assert spread_of([]).median is None


def test_a_spread_interpolates():
    found = spread_of(range(1, 102))

    assert (found.count, found.median, found.p95) == (101, 51, 96)


# --- verdicts -------------------------------------------------------------------------------------------------------


def test_each_outcome_counts_where_it_belongs():
    score = Score(
        [
            leak(),
            leak(outcome=Outcome.CLEAN),
            leak(outcome=Outcome.INCONCLUSIVE),
            clean(),
            clean(),
            clean(outcome=Outcome.LEAK),
            clean(outcome=Outcome.ERROR),
        ]
    )

    assert score.sensitivity == Share(hits=1, total=3)
    assert score.specificity == Share(hits=2, total=4)
    assert score.false_alarms == Share(hits=1, total=4)
    assert score.inconclusive == Share(hits=1, total=7)
    assert score.errors == Share(hits=1, total=7)


def test_a_score_of_one_method_leaves_out_the_others():
    trials = [clean(), clean(method=Method.MANUAL, outcome=Outcome.LEAK)]

    assert Score(trials).of(Method.OURS).false_alarms == Share(hits=0, total=1)
    assert Score(trials).of(Method.MANUAL).false_alarms == Share(hits=1, total=1)


# --- diagnosis ------------------------------------------------------------------------------------------------------


def test_blame_is_right_on_top_or_among_the_first_three():
    third = (place("main.a"), place("main.b"), place("main.grow"))
    score = Score([leak(), leak(places=third), leak(places=()), leak(outcome=Outcome.CLEAN)])

    assert score.blamed(within=1) == Share(hits=1, total=3)
    assert score.blamed(within=3) == Share(hits=2, total=3)


def test_blame_of_goroutines_and_of_memory_are_told_apart():
    goroutine = Truth(leaks=True, bytes=600, goroutines=1, function="main.wait")
    score = Score([leak(), leak(truth=goroutine, places=(place("main.other"),))])

    assert score.blamed(within=1, goroutines=True) == Share(hits=0, total=1)
    assert score.blamed(within=1, goroutines=False) == Share(hits=1, total=1)


def test_a_truth_without_a_function_blames_nobody():
    assert Score([leak(truth=Truth(leaks=True, bytes=64))]).blamed(within=1).total == 0


def test_fallback_rules_are_no_hints():
    assert {"GL100", "GL200", "GL201", "GL202"} == FALLBACKS
    score = Score([leak(), leak(places=(place("main.keep", "GL200"),)), leak(places=(place("main.keep", "GL001"),))])

    assert score.hinted == Share(hits=2, total=3)
    assert score.hints == Share(hits=1, total=2)


def test_hints_count_only_where_the_corpus_declares_causes():
    assert Score([leak(truth=Truth(leaks=True, bytes=64, function="main.keep"))]).hints.total == 0


def test_what_misleads_is_a_wrong_place_or_a_wrong_cause():
    place_wrong = leak(places=(place("main.a"),), case="leak/b")
    cause_wrong = leak(places=(place("main.keep", "GL001"),), case="leak/c")
    no_cause = leak(places=(place("main.keep", "GL200"),))

    assert Score([leak(), place_wrong, cause_wrong, no_cause]).misled == [place_wrong, cause_wrong]


# --- figures --------------------------------------------------------------------------------------------------------


def test_estimates_are_compared_on_the_signals_that_the_truth_declares():
    off = {Signal.HEAP_BYTES: estimate(128, off=1.2), Signal.HEAP_OBJECTS: estimate(1), Signal.GOROUTINES: estimate(0)}
    score = Score([leak(estimates=off)])

    assert score.estimates().within == Share(hits=1, total=2)
    assert score.estimates([Signal.HEAP_BYTES]).error.median == pytest.approx(0.2)
    assert score.estimates().covered == Share(hits=1, total=2)
    assert score.estimates([Signal.GOROUTINES]).error.count == 0
    assert score.misjudged == [(score.trials[0], Signal.HEAP_BYTES)]


def test_small_leaks_are_left_out_of_the_estimates_unless_goroutines_leak():
    small = Truth(leaks=True, bytes=16, objects=1)
    goroutine = Truth(leaks=True, bytes=30, goroutines=0.05)
    estimates = {Signal.HEAP_BYTES: estimate(16), Signal.GOROUTINES: estimate(0.05)}

    assert Score([leak(truth=small, estimates=estimates)]).estimates().error.count == 0
    assert Score([leak(truth=goroutine, estimates=estimates)]).estimates([Signal.GOROUTINES]).error.count == 1


@pytest.mark.parametrize(("low", "high", "covers"), [(120, 130, 1), (None, None, 1), (129, 140, 1), (130, 140, 0)])
def test_an_interval_covers_the_truth_within_a_hundredth(low, high, covers):
    kept = estimate(128)
    given_bounds = type(kept)(per_request=kept.per_request, low=low, high=high, min_detectable=None)

    found = Score([leak(estimates={Signal.HEAP_BYTES: given_bounds})]).estimates()

    assert found.covered == Share(hits=covers, total=1)


def test_the_smallest_leak_stands_beside_what_was_said_to_be_visible():
    small = Truth(leaks=True, bytes=32)
    stated = {Signal.HEAP_BYTES: estimate(0, min_detectable=20.0)}
    score = Score(
        [
            leak(),
            leak(truth=small, outcome=Outcome.CLEAN, estimates=stated),
            leak(truth=Truth(leaks=True, bytes=16), outcome=Outcome.CLEAN, estimates=stated),
            clean(estimates=stated),
            clean(estimates={Signal.HEAP_BYTES: estimate(0, min_detectable=900.0)}, outcome=Outcome.INCONCLUSIVE),
        ]
    )

    found = score.limits(Signal.HEAP_BYTES)

    assert (found.smallest, found.smallest_found, found.stated.median) == (16, 128, 20)
    assert found.overlooked == Share(hits=1, total=2)  # the 128 B that were found, the 32 B that were not


def test_times_are_of_clean_leaking_and_proven():
    proven = leak(duration_s=2.5, places=(place("main.keep", is_proven=True),))
    score = Score([clean(), clean(duration_s=4.0, outcome=Outcome.LEAK), leak(), proven])

    assert (score.clean_s.median, score.leak_s.median, score.proven_s.median) == (3.0, 10.0, 2.5)


def test_the_truth_names_the_growth_of_each_signal():
    assert [TRUTH.of(signal) for signal in Signal] == [128, 1, 0]
