"""Trials for tests: right ones, of a leak or of a clean endpoint, with anything changed that a test is about."""

from benchmarks.accuracy.cases import Truth
from benchmarks.accuracy.trial import Estimate, Method, Place, Trial
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome

TRUTH = Truth(leaks=True, bytes=128, objects=1, function="main.keep", also=("main.grow",), causes=("GL060",))


def clean(**changes):
    return _trial({"outcome": Outcome.CLEAN, "truth": Truth(), "case": "clean/a", "duration_s": 2.0}, changes)


def leak(**changes):
    given = {
        "outcome": Outcome.LEAK,
        "truth": TRUTH,
        "case": "leak/a",
        "duration_s": 10.0,
        "places": (place("main.keep"),),
        "estimates": {Signal.HEAP_BYTES: estimate(128), Signal.HEAP_OBJECTS: estimate(1)},
    }
    return _trial(given, changes)


def _trial(given, changes):
    common = {
        "method": Method.OURS,
        "category": "heap",
        "environment": "plain",
        "concurrency": 16,
        "seed": 1,
        "requests": 9000,
        "go_version": "go1.26.8",
        "load_average": 1.5,
    }
    return Trial(**{**common, **given, **changes})


def place(function, rule_id="GL060", kind="heap", *, is_proven=False):
    return Place(function=function, rule_id=rule_id, kind=kind, is_proven=is_proven)


def estimate(value, *, off=1.0, min_detectable=16.0):
    figure = value * off
    return Estimate(per_request=figure, low=0.98 * figure, high=1.02 * figure, min_detectable=min_detectable)
