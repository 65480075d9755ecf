"""Services built by other versions of Go, and with other settings of its runtime: the verdict is the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from benchmarks.accuracy.cases import Corpus, built, plan_of
from pytest_goleak.model.plan import LoadPlan
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.session import GoleakSession
from tools.go_versions import VERSIONS, install

OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]
TRIED = (OLDEST, "1.24.11", NEWEST)
"""As many as fit into a test run; ``make bench-versions`` has them all."""

CASES = {
    "leak/nil-channel-send": Outcome.LEAK,
    "leak/undo-versions": Outcome.LEAK,
    "clean/batch-1s": Outcome.CLEAN,
}

SETTINGS = {
    "no collections but ours": {"GOGC": "off"},
    "a limit that leaks reach": {"GOMEMLIMIT": "32MiB"},
    "collections traced": {"GODEBUG": "gctrace=1"},
    "memory given back at once": {"GODEBUG": "madvdontneed=1"},
    "memory given back lazily": {"GODEBUG": "madvdontneed=0"},
}


@contextmanager
def judging(corpus: Corpus, **target: object) -> Iterator[tuple[GoleakSession, dict[str, EndpointReport]]]:
    """Judge the cases on the corpus service, its ``[target]`` changed by *target*."""
    cases = [case for case in corpus.cases if case.name in CASES]
    plan = plan_of({**corpus.targets["plain"], **target}, cases, concurrency=LoadPlan().concurrency, seed=1)
    # A machine that is busy with other tests needs longer; the verdict is what counts here.
    endpoints = [replace(each, measure=replace(each.measure, budget_s=60.0)) for each in plan.endpoints]
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers()) as session:
        yield session, {each.name: session.check(each, item_id=each.name) for each in endpoints}


def outcomes(reports: dict[str, EndpointReport]) -> dict[str, Outcome]:
    return {name: report.outcome for name, report in reports.items()}


@pytest.fixture(scope="module")
def corpus() -> Iterator[Corpus]:
    with built() as found:
        yield found


@pytest.mark.parametrize("version", TRIED)
def test_services_of_every_go_are_judged_alike(version, monkeypatch):
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    monkeypatch.setenv("PATH", f"{install(version).parent}{os.pathsep}{os.environ['PATH']}")
    with built() as corpus, judging(corpus) as (session, reports):
        assert outcomes(reports) == CASES
        assert session.service.info.go_version == f"go{version}"
        assert ("goroutineleak" in session.service.info.profiles) == (version == NEWEST)
    waits = reports["leak/nil-channel-send"].findings[0]
    assert waits.state == "chan send (nil chan)"


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_runtime_change_no_verdict(corpus, setting):
    with judging(corpus, env=SETTINGS[setting]) as (_, reports):
        assert outcomes(reports) == CASES
