"""Under xdist nothing is lost, and endpoints of one target are never measured at once."""

import json
from itertools import pairwise

import pytest

from tests.plugin.conftest import endpoint

WATCH = """
import json, os, time
from pytest_goleak.load.builtin import BuiltinDriver

class Watched(BuiltinDriver):
    def run(self, job, on_progress=None):
        begin = time.monotonic()
        try:
            return super().run(job, on_progress)
        finally:
            with open("loads.jsonl", "a") as log:
                print(json.dumps([os.getpid(), job.endpoint.name, begin, time.monotonic()]), file=log)

def pytest_goleak_load_drivers(config):
    return {"builtin": Watched}
"""


def spans(path):
    """First and last moment of load for each endpoint of each process."""
    found = {}
    for line in path.read_text().splitlines():
        pid, name, begin, end = json.loads(line)
        first, last = found.get((pid, name), (begin, end))
        found[pid, name] = min(first, begin), max(last, end)
    return sorted(found.values())


def test_workers_reports_are_merged_and_endpoints_are_measured_one_at_a_time(project):
    pytester = project(endpoint("/memory") + endpoint("/ok") + endpoint("/status/200"))
    pytester.makeconftest(WATCH)
    pytester.makepyfile("def test_other(): ...\ndef test_python(goleak): goleak.assert_no_leak('GET /healthz')")
    result = pytester.runpytest_subprocess("--goleak", "-n2", "-v", "--goleak-json=report.json")

    result.assert_outcomes(failed=1, passed=4)
    report = json.loads((pytester.path / "report.json").read_text())
    names = ["GET /healthz", "GET /memory", "GET /ok", "GET /status/200"]
    assert sorted(each["name"] for each in report["endpoints"]) == names
    assert not any("@" in each["id"] for each in report["endpoints"])
    workers = {line.split("]")[0] for line in result.outlines if "goleak.toml::GET" in line and line.startswith("[gw")}
    assert len(workers) == 1
    measured = spans(pytester.path / "loads.jsonl")
    assert len(measured) == len(names)
    for (_, end), (begin, _) in pairwise(measured):
        assert end < begin
    result.stdout.fnmatch_lines(["3 clean, 1 leak, 0 inconclusive, 0 errors"])


def test_it_works_where_xdist_is_switched_off(project):
    pytester = project(endpoint("/ok"))

    pytester.runpytest_subprocess("--goleak", "-p", "no:xdist").assert_outcomes(passed=1)


@pytest.mark.parametrize("strict", [["--strict-markers"], ["-W", "error"]])
def test_nothing_of_xdist_is_used_where_it_is_switched_off(project, strict):
    result = project(endpoint("/ok")).runpytest_subprocess("-p", "no:xdist", *strict)

    assert result.ret == 0
    result.assert_outcomes(skipped=1)
