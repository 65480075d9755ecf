from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from pytest_goleak.report import sarif
from tests.report import samples

RUN = sarif.to_dict(samples.RUN)["runs"][0]


def test_the_log_is_sarif_2_1_0():
    document = json.loads(sarif.render(samples.RUN))

    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    assert RUN["tool"]["driver"]["name"] == "pytest-goleak"


def test_a_finding_is_a_result_at_its_line():
    (result,) = [result for result in RUN["results"] if result["ruleId"] == "GL070"]

    assert result["level"] == "error"
    assert result["baselineState"] == "new"
    assert result["suppressions"] == []
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "file:///home/dev/service/cache.go"
    assert physical["region"] == {"startLine": 41}
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "main.(*cache).put"
    assert "256 B" in result["message"]["text"]


def test_known_leaks_are_suppressed_notes():
    (result,) = [result for result in RUN["results"] if result["ruleId"] == "GL001"]

    assert result["level"] == "note"
    assert result["suppressions"] == [{"kind": "external", "justification": "TICKET-1"}]
    assert result["baselineState"] == "unchanged"


def test_what_leaked_in_the_older_build_too_is_a_note():
    for baseline, level in (("unchanged", "note"), ("updated", "error"), ("new", "error")):
        leak = replace(samples.LEAK, findings=(replace(samples.CACHE, baseline=baseline),))
        (result,) = sarif.to_dict(replace(samples.RUN, endpoints=(leak,)))["runs"][0]["results"]
        assert (result["level"], result["baselineState"], result["suppressions"]) == (level, baseline, [])


def test_files_below_the_root_are_relative_to_it():
    run = json.loads(sarif.render(samples.RUN, root=Path("/home/dev")))["runs"][0]

    uris = [place["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"] for place in r["locations"]]
    assert "service/cache.go" in uris


def test_rules_are_described_and_indexed():
    rules = RUN["tool"]["driver"]["rules"]

    assert [rules[result["ruleIndex"]]["id"] for result in RUN["results"]] == [
        result["ruleId"] for result in RUN["results"]
    ]
    assert rules[0]["helpUri"] == "https://pkg.go.dev/builtin#delete"
    assert rules[0]["shortDescription"]["text"] == "map that only grows"


def test_what_could_not_be_decided_is_notified():
    (invocation,) = RUN["invocations"]

    assert invocation["executionSuccessful"] is False
    assert [each["level"] for each in invocation["toolExecutionNotifications"]] == ["warning", "error"]


def test_a_leak_without_a_place_is_a_result_too():
    run = sarif.to_dict(replace(samples.RUN, endpoints=(replace(samples.LEAK, findings=()),)))["runs"][0]

    assert [result["ruleId"] for result in run["results"]] == ["GL000"]
    assert run["tool"]["driver"]["rules"][0]["id"] == "GL000"


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("internal/my cache.go", "internal/my%20cache.go"),
        ("/srv/a#b.go", "file:///srv/a%23b.go"),
        ("example.com/x@v1.2.3/y.go", "example.com/x@v1.2.3/y.go"),
        ("C:\\src\\x.go", "file:///C:/src/x.go"),
        ("C:/src/x.go", "file:///C:/src/x.go"),
    ],
)
def test_files_are_uris(file, uri):
    leak = replace(samples.LEAK, findings=(replace(samples.CACHE, file=file),))
    (result,) = sarif.to_dict(replace(samples.RUN, endpoints=(leak,)))["runs"][0]["results"]

    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@settings(max_examples=40)
@given(samples.runs)
def test_any_run_gives_consistent_results(run):
    (log,) = json.loads(sarif.render(run))["runs"]

    for result in log["results"]:
        assert log["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        for location in result.get("locations", []):
            region = location.get("physicalLocation", {}).get("region", {"startLine": 1})
            assert region["startLine"] >= 1
