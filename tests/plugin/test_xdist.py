"""Under xdist nothing is lost, and endpoints of one target are never measured at once."""

import json

from tests.plugin.conftest import endpoint

FAST = {"budget": '"15s"'}


def test_workers_reports_are_merged_and_endpoints_stay_together(project):
    pytester = project(endpoint("/memory", **FAST) + endpoint("/ok", **FAST) + endpoint("/status/200", **FAST))
    pytester.makepyfile("import os\ndef test_other(): ...\ndef test_python(goleak): goleak.assert_no_leak('GET /ok')")
    result = pytester.runpytest_subprocess("--goleak", "-n2", "-v", "--goleak-json=report.json")

    result.assert_outcomes(failed=1, passed=4)
    report = json.loads((pytester.path / "report.json").read_text())
    assert sorted(each["name"] for each in report["endpoints"]) == [
        "GET /memory",
        "GET /ok",
        "GET /ok",
        "GET /status/200",
    ]
    assert not any("@" in each["id"] for each in report["endpoints"])
    workers = {
        line.split("]")[0]
        for line in result.stdout.lines
        if line.startswith("[gw") and "%]" in line and "test_other" not in line
    }
    assert len(workers) == 1
    result.stdout.fnmatch_lines(["3 clean, 1 leak, 0 inconclusive, 0 errors"])


def test_it_works_where_xdist_is_switched_off(project):
    pytester = project(endpoint("/ok", **FAST))

    pytester.runpytest_subprocess("--goleak", "-p", "no:xdist").assert_outcomes(passed=1)
