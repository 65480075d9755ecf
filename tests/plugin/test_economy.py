"""A screen of all endpoints together, and a total budget, on a real service."""

import json

from tests.plugin.conftest import endpoint


def outcomes(pytester):
    report = json.loads((pytester.path / "report.json").read_text())
    return {each["name"]: each for each in report["endpoints"]}


def test_a_screen_clears_the_clean_and_leaves_the_rest_to_a_closer_look(project):
    clean = "".join(endpoint(f"/ok?{number}") for number in range(6))
    pytester = project(endpoint("/memory") + clean)
    result = pytester.runpytest("--goleak", "--goleak-screen", "--goleak-json=report.json")

    result.assert_outcomes(failed=1, passed=6)
    reports = outcomes(pytester)
    assert reports["GET /memory"]["outcome"] == "leak"
    assert reports["GET /memory"]["screened_with"] is None
    assert reports["GET /memory"]["findings"][0]["function"] == "main.keep"
    screened = [each for name, each in reports.items() if name != "GET /memory"]
    assert [each["outcome"] for each in screened] == ["clean"] * 6
    assert {each["screened_with"] for each in screened} == {5}
    assert all("screened together with 5 others" in each["reason"] for each in screened)


def test_a_screen_is_for_one_process(project):
    result = project(endpoint("/ok")).runpytest("--goleak", "--goleak-screen", "-n2")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--goleak-screen measures all endpoints together, in one process*"])


def test_what_the_total_budget_does_not_reach_is_never_a_pass(project):
    pytester = project(endpoint("/drain") + endpoint("/ok") + endpoint("/ok?2"))
    result = pytester.runpytest("--goleak", "--goleak-total-budget=0.1s", "--goleak-json=report.json", "-rs")

    assert result.parseoutcomes().get("passed", 0) == 0
    last = outcomes(pytester)["GET /ok?2"]
    assert last["outcome"] == "inconclusive"
    assert "the total budget is 0.1 s, and one endpoint needs at least 2" in last["reason"]
    assert "--goleak-total-budget" in last["reason"]


def test_a_total_budget_that_is_enough_changes_nothing(project):
    pytester = project(endpoint("/ok") + endpoint("/goroutine"))
    result = pytester.runpytest("--goleak", "--goleak-total-budget=3m")

    result.assert_outcomes(failed=1, passed=1)


def test_a_total_budget_that_is_none(project):
    result = project(endpoint("/ok")).runpytest("--goleak", "--goleak-total-budget=soon")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--goleak-total-budget*soon*"])
