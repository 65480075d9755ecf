"""A sample of the corpus, judged for real at the default budget: the fast form of ``make bench-accuracy``.

Cases were chosen to be decided by a wide margin, so that a busy machine makes them slower and not different.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.accuracy.cases import Corpus, built
from benchmarks.accuracy.run import Batch, judge
from benchmarks.accuracy.score import MAX_ERROR
from benchmarks.accuracy.trial import Trial
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import LoadPlan
from pytest_goleak.model.report import Outcome

LEAKS = (
    "leak/nil-channel-send",  # a goroutine that waits
    "leak/undo-versions",  # 256 B
    "leak/uploads-kept",  # 8 KiB of a request's body
    "leak/mutex-held-for-ever",  # goroutines that wait for one another
)
CLEAN = (
    "clean/async-job-1s",  # goes on after the answer
    "clean/error-500",  # a status that is expected
    "clean/fixed-substring-cloned",  # garbage
    "clean/lru-500",  # a cache that fills
    "clean/regexp-500",  # fills, then flat
    "clean/batch-1s",  # work that is collected and done every second
)


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with built() as found:
        yield found


def judged(corpus: Corpus, *names: str) -> list[Trial]:
    """Judge the cases *names* one after the other, on the same process unless one leaks."""
    known = {each.name: each for each in corpus.cases}
    cases = tuple(known[name] for name in names)
    target = corpus.targets[cases[0].environment]
    return list(judge(Batch(target=target, cases=cases, concurrency=LoadPlan().concurrency, seed=1)))


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_found_placed_and_measured(corpus: Corpus, name: str):
    [trial] = judged(corpus, name)

    assert trial.outcome is Outcome.LEAK, trial.reason
    assert trial.blames(within=1), trial.places
    for signal in Signal:
        if truth := trial.truth.of(signal):
            assert trial.estimates[signal].per_request == pytest.approx(truth, rel=MAX_ERROR), signal


@pytest.mark.parametrize("name", CLEAN)
def test_what_only_looks_like_a_leak_is_clean(corpus: Corpus, name: str):
    [trial] = judged(corpus, name)

    assert trial.outcome is Outcome.CLEAN, trial.reason


def test_what_the_endpoint_before_left_for_a_while_hides_no_leak(corpus: Corpus):
    """More than a thousand goroutines of the first one end while the second one is judged, and leaks hundreds."""
    _, trial = judged(corpus, "clean/async-job-3s", "leak/tenth-fails-and-leaks")

    assert trial.outcome is not Outcome.CLEAN, trial.reason
