"""Endpoints of goleak.toml as test items, judged on a real service."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from tests.plugin.conftest import CONFIG, endpoint

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/report.schema.json").read_text())


def report_of(pytester):
    return json.loads((pytester.path / "report.json").read_text())


def test_leaks_fail_with_their_place_and_clean_endpoints_pass(project):
    pytester = project(endpoint("/memory") + endpoint("/ok") + endpoint("/goroutine") + endpoint("/drain"))
    result = pytester.runpytest("--goleak", "--goleak-json=report.json", "--goleak-out=artifacts")

    result.assert_outcomes(failed=2, passed=2)
    text = result.stdout.str()
    for expected in (
        "main.keep",
        "main.leakGoroutine.func1",
        "chan receive",
        'curl -fsS -H "Authotization: $PPROF_TOKEN"',
        "go tool pprof",
        "would have seen",
        "2 clean, 2 leaks",
    ):
        assert expected in text
    assert "s3cr3t-t0ken" not in text

    report = report_of(pytester)
    jsonschema.validate(report, SCHEMA)
    by_name = {each["name"]: each for each in report["endpoints"]}
    memory, goroutine = by_name["GET /memory"], by_name["GET /goroutine"]
    assert memory["id"] == "goleak.toml::GET /memory"
    assert memory["signals"]["heap_objects"]["per_request"] == pytest.approx(1, rel=0.05)
    assert memory["signals"]["heap_bytes"]["per_request"] == pytest.approx(1024, rel=0.1)
    assert memory["findings"][0]["function"] == "main.keep"
    assert goroutine["signals"]["goroutines"]["per_request"] == pytest.approx(1, rel=0.01)
    assert goroutine["findings"][0]["created_by"] == "main.leakGoroutine"
    assert [by_name[name]["outcome"] for name in ("GET /ok", "GET /drain")] == ["clean", "clean"]
    assert report["target"]["go_version"].startswith("go1.")
    assert report["target"]["started_by_us"] is True
    for path in memory["artifacts"].values():
        assert Path(path).read_bytes().startswith(b"\x1f\x8b")
    assert "s3cr3t-t0ken" not in json.dumps(report)


def test_without_the_option_they_are_collected_and_skipped(project):
    result = project(endpoint("/memory") + endpoint("/ok")).runpytest("-rs")

    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED * leak tests run with --goleak"])


def test_items_are_selected_as_any_others(project):
    pytester = project(endpoint("/memory") + endpoint("/ok", name='"all is well"'))

    result = pytester.runpytest("--goleak", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["goleak.toml::GET /memory", "goleak.toml::all is well"])
    result = pytester.runpytest("--goleak", "goleak.toml::all is well")
    result.assert_outcomes(passed=1)
    result = pytester.runpytest("--goleak", "-k", "nothing")
    result.assert_outcomes(deselected=2)


def test_xfail_reports_a_known_leak_and_one_that_is_gone(project):
    pytester = project(endpoint("/memory", xfail='"TICKET-7"') + endpoint("/ok", xfail='"TICKET-8"'))
    result = pytester.runpytest("--goleak", "-rxX")

    result.assert_outcomes(xfailed=1, xpassed=1)
    result.stdout.fnmatch_lines(["XFAIL *GET /memory*TICKET-7*", "XPASS *GET /ok*TICKET-8*"])


def test_an_ignored_leak_is_reported_and_does_not_fail(project):
    ignore = '\n[[ignore]]\nfunction = "main.keep"\nreason = "TICKET-9"\n'
    pytester = project(endpoint("/memory") + ignore)
    result = pytester.runpytest("--goleak", "--goleak-json=report.json")

    result.assert_outcomes(passed=1)
    finding = report_of(pytester)["endpoints"][0]["findings"][0]
    assert finding["ignored_by"] == "TICKET-9"
    assert report_of(pytester)["endpoints"][0]["outcome"] == "leak"


def test_accept_writes_the_leak_into_the_file_and_the_next_run_passes(project):
    pytester = project(endpoint("/memory"))
    result = pytester.runpytest("--goleak", "--goleak-accept")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["accepted 1 leak in *goleak.toml: give each its reason"])

    assert 'function = "main.keep"' in (pytester.path / "goleak.toml").read_text()
    pytester.runpytest("--goleak").assert_outcomes(passed=1)


def test_accept_writes_rules_for_new_leaks_of_the_users_code_only(project):
    pytester = project(endpoint("/goroutine") + endpoint("/memory", xfail='"TICKET-7"'))
    pytester.runpytest("--goleak", "--goleak-accept").assert_outcomes(failed=1, xfailed=1)

    written = tomllib.loads((pytester.path / "goleak.toml").read_text())["ignore"]
    assert [rule["function"] for rule in written] == ["main.leakGoroutine.func1"]


def test_junit_has_no_token(project):
    pytester = project(endpoint("/memory"))
    pytester.runpytest("--goleak", "--junitxml=junit.xml").assert_outcomes(failed=1)
    text = (pytester.path / "junit.xml").read_text()

    assert "main.keep" in text
    assert "s3cr3t-t0ken" not in text


def test_the_header_shows_no_arguments_of_the_command(project):
    pytester = project(endpoint("/ok"), config=CONFIG.replace('"-addr"', '"-token=s3cr3t-t0ken", "-addr"'))
    result = pytester.runpytest("--goleak", "--collect-only")

    result.stdout.fnmatch_lines(["goleak: service, seed 1, *"])
    assert "s3cr3t" not in result.stdout.str()


@pytest.mark.parametrize("own_target", [False, True])
def test_exceptions_of_scenarios_show_no_token(project, own_target):
    pytester = project("")
    target = "@pytest.fixture(scope='session')\ndef goleak_target(goleak_process): return goleak_process()\n"
    pytester.makeconftest("import pytest\n" + target * own_target)
    pytester.makepyfile(
        """
        import os

        def test_it(goleak):
            def scenario(client):
                raise RuntimeError("no luck with " + os.environ["PROBE_TOKEN"])
            goleak.assert_no_leak(scenario)
        """
    )
    result = pytester.runpytest("--goleak", "--goleak-json=report.json", "--junitxml=junit.xml", "-rA")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: no luck with [*][*][*]*"])
    junit = (pytester.path / "junit.xml").read_text()
    assert not any("s3cr3t" in text for text in (result.stdout.str(), junit, json.dumps(report_of(pytester))))
