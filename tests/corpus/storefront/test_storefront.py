"""A service by somebody who had seen neither the engine nor the corpus, judged as a user's run judges it: a sample.

``python -m benchmarks.bench_accuracy --storefront -k storefront`` judges all of it.
"""

from __future__ import annotations

import pytest

from benchmarks.accuracy.cases import Corpus
from benchmarks.accuracy.run import Batch, judge
from benchmarks.accuracy.storefront import build_storefront
from pytest_goleak.model.plan import LoadPlan
from pytest_goleak.model.report import Outcome

SAMPLE = (
    "storefront/clean/coupons-hold",  # goes away after 3 s
    "storefront/leak/webhooks-dispatch",  # a goroutine for one request in twenty
    "storefront/clean/products-detail",  # a cache that fills
    "storefront/leak/uploads-scan",  # 32 KiB behind a slice of 16 B
    "storefront/clean/reports-ledger",  # megabytes of garbage
    "storefront/leak/pricing-recalculate",  # from the 501st request on
)


@pytest.fixture(scope="module")
def storefront() -> Corpus:
    return build_storefront()


def test_half_of_its_endpoints_leak(storefront: Corpus):
    leaking = [case for case in storefront.cases if case.truth.leaks]

    assert len(leaking) == len(storefront.cases) / 2 == 14
    assert all(case.truth.function for case in leaking)


def test_its_leaks_are_found_and_placed_and_nothing_else_is(storefront: Corpus):
    known = {case.name: case for case in storefront.cases}
    [target] = storefront.targets.values()
    cases = tuple(known[name] for name in SAMPLE)

    for trial in judge(Batch(target=target, cases=cases, concurrency=LoadPlan().concurrency, seed=1)):
        assert trial.outcome is (Outcome.LEAK if trial.truth.leaks else Outcome.CLEAN), (trial.case, trial.reason)
        assert trial.blames(within=1) or not trial.truth.leaks, (trial.case, trial.places)
