import dataclasses
import re
from pathlib import Path

import pytest

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.protocols import LoadJob
from pytest_goleak.model.report import EndpointReport, Finding, Outcome
from pytest_goleak.session.artifacts import Artifacts, directory_name
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


def test_artifacts_have_names_that_every_system_takes(tmp_path):
    assert directory_name("GET /a/b") == "GET_a_b"
    assert directory_name("create user") == "create_user"
    assert re.fullmatch(r"GET_a_b_c_d-[0-9a-f]{8}", directory_name("GET /a/b?c=d"))
    assert re.fullmatch(r"endpoint-[0-9a-f]{8}", directory_name("///"))
    assert len(directory_name("GET /" + "a" * 300)) < 140
    written = Artifacts(tmp_path).write("GET /a", {"heap_after": b"x"})
    assert (tmp_path / "GET_a" / "heap_after.pb.gz").read_bytes() == b"x"
    assert written == {"heap_after": str(tmp_path / "GET_a" / "heap_after.pb.gz")}


def test_artifacts_of_different_examinations_never_share_a_place(tmp_path):
    artifacts = Artifacts(tmp_path)
    names = [
        "GET /leak/map",
        "GET /leak_map",
        "GET /leak/map?",
        "GET /leak/map",
        "GET /" + "a" * 300,
        "GET /" + "a" * 301,
    ]
    places = [artifacts.write(name, {"heap": name.encode()})["heap"] for name in names]

    assert len(set(places)) == len(places)
    assert [Path(place).read_bytes().decode() for place in places] == names
