import dataclasses

import pytest

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.protocols import LoadJob
from pytest_goleak.model.report import EndpointReport, Finding, Outcome
from pytest_goleak.session.compare import against
from pytest_goleak.session.planted import CountingDriver, Plant, PlantedSource
from tests.measure.fakes import ENDPOINT, FakeClock, FakeDriver, FakeSource

FINDING = Finding(
    rule_id="GL001",
    kind="goroutine",
    function="main.f",
    file="main.go",
    line=7,
    per_request=1.0,
    unit="goroutines",
)


def report_of(*findings, outcome=Outcome.LEAK, signals=None):
    return EndpointReport(
        id="x",
        name="GET /x",
        method="GET",
        path="/x",
        outcome=outcome,
        reason="r",
        findings=findings,
        signals=signals or {},
    )


@pytest.mark.parametrize(
    ("older", "state"),
    [
        ([FINDING], "unchanged"),
        ([dataclasses.replace(FINDING, line=99)], "unchanged"),
        ([dataclasses.replace(FINDING, per_request=0.5)], "updated"),
        ([dataclasses.replace(FINDING, function="main.g")], "new"),
        ([dataclasses.replace(FINDING, kind="heap")], "new"),
        ([], "new"),
    ],
)
def test_findings_are_compared_with_the_older_builds(older, state):
    outcome = Outcome.LEAK if older else Outcome.CLEAN
    compared = against(report_of(FINDING), report_of(*older, outcome=outcome))

    assert [finding.baseline for finding in compared.findings] == [state]
    assert compared.is_known == (state == "unchanged")


def test_an_older_build_that_could_not_be_judged_excuses_nothing():
    compared = against(report_of(FINDING), report_of(FINDING, outcome=Outcome.ERROR))

    assert compared.findings[0].baseline == "new"
    assert "could not be judged" in compared.note


def test_what_is_planted_grows_with_the_requests_sent():
    clock = FakeClock()
    driver = CountingDriver(FakeDriver(clock))
    source = PlantedSource(FakeSource(clock, [(1000, 100, 10)]), driver, Plant(bytes=10, objects=1, goroutines=0.5))
    before: Observation = source.observe()
    driver.run(dataclasses.replace(_job(), requests=40))
    after = source.observe()

    assert before.level(Signal.HEAP_BYTES) == 1000
    assert [after.level(signal) for signal in Signal] == [1400, 140, 30]


def _job(requests=1):
    return LoadJob(endpoint=ENDPOINT, base_url="http://127.0.0.1:1", requests=requests, concurrency=1)
