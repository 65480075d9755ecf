"""The other ways of judging: goleak's retries, and both ways on real endpoints."""

import itertools

import pytest

from benchmarks.accuracy.baselines import ATTEMPTS, count, grows, manual, waits
from benchmarks.accuracy.cases import built
from benchmarks.accuracy.trial import Method
from pytest_goleak.model.report import Outcome

LEAK = "leak/nil-channel-send"
CLEAN = "clean/cleanup"


@pytest.fixture(scope="module")
def corpus():
    with built() as found:
        yield found


def case_named(corpus, name):
    [case] = [each for each in corpus.cases if each.name == name]
    return case, corpus.targets[case.environment]


def test_waits_double_up_to_a_tenth_of_a_second():
    every = list(waits())

    assert len(every) == ATTEMPTS == 20
    assert every[:3] == [1e-6, 2e-6, 4e-6]
    assert every[-3:] == [0.1, 0.1, 0.1]
    assert 0.4 < sum(every) < 0.5


def test_goroutines_that_end_in_time_are_no_leak():
    counts = iter([12, 11, 10])
    slept = []

    assert not grows(10, lambda: next(counts), sleep=slept.append)
    assert slept == [1e-6, 2e-6]


def test_goroutines_that_stay_are_a_leak_after_all_attempts():
    asked = itertools.count()

    assert grows(10, lambda: 11 + 0 * next(asked), sleep=lambda _: None)
    assert next(asked) == ATTEMPTS + 1


@pytest.mark.parametrize(("name", "outcome"), [(LEAK, Outcome.LEAK), (CLEAN, Outcome.CLEAN)])
def test_goroutines_are_counted_on_a_real_service(corpus, hey, name, outcome):
    trial = count(*case_named(corpus, name), hey=hey)

    assert (trial.method, trial.case, trial.outcome) == (Method.COUNTS, name, outcome), trial.reason


def test_the_manual_procedure_on_a_real_leak(corpus, hey):
    trial = manual(*case_named(corpus, LEAK), hey=hey)

    assert (trial.method, trial.outcome) == (Method.MANUAL, Outcome.LEAK), trial.reason
    assert trial.growth is not None
    assert 10_000 <= trial.growth.goroutines < 10_200
    assert trial.growth.shows_function
    assert trial.duration_s > 10


def test_a_service_that_does_not_answer_is_an_error(corpus, hey):
    case, target = case_named(corpus, CLEAN)

    trial = count(case, {**target, "pprof": "/no/pprof/here"}, hey=hey)

    assert trial.outcome is Outcome.ERROR
    assert "404" in trial.reason
