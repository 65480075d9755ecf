"""``--goleak-calibrate``: one build against itself, on a real service."""

import tomllib

import pytest

from tests.plugin.conftest import CONFIG, endpoint


def test_the_first_endpoint_stands_for_all_and_its_settings_are_written(project):
    pytester = project(endpoint("/ok") + endpoint("/memory"), config=CONFIG.replace('"60s"', '"4s"   # too short'))
    result = pytester.runpytest("--goleak", "--goleak-calibrate=2", "--goleak-calibrate-write")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "GET /ok: 2 runs against itself, seeds 1 to 2, budget 4 s",
            "*false alarms 0 %*",
            "*noise, bytes *per round without requests",
            "*with this budget you would see*",
            "*+budget = *# too short",
        ]
    )
    text = (pytester.path / "goleak.toml").read_text()
    assert "# too short" in text
    assert tomllib.loads(text)["measure"]["budget"] != "4s"


def test_a_leak_is_said_and_never_calibrated_away(project):
    pytester = project(endpoint("/ok") + endpoint("/goroutine"))
    before = (pytester.path / "goleak.toml").read_text()
    result = pytester.runpytest(
        "--goleak", "--goleak-calibrate=1", "--goleak-calibrate-write", "goleak.toml::GET /goroutine"
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*can't be calibrated by: 1 of 1 runs say leak*", "*this is a leak, no false alarm*", "no settings to write*"]
    )
    assert (pytester.path / "goleak.toml").read_text() == before


def test_what_is_selected_is_calibrated(project):
    pytester = project(endpoint("/ok") + endpoint("/memory") + endpoint("/drain"))
    pytester.makepyfile("def test_x(goleak): ...")

    def names(*arguments):
        lines = pytester.runpytest("--goleak", "--goleak-calibrate", "--collect-only", "-q", *arguments).outlines
        return [line.partition("::")[2] for line in lines if line.startswith("goleak.toml::")]

    assert names() == ["GET /ok"]
    assert names("-k", "memory or drain") == ["GET /memory", "GET /drain"]
    assert names("goleak.toml::GET /drain") == ["GET /drain"]


def test_python_tests_are_left_out(project):
    pytester = project("")
    pytester.makepyfile("def test_x(goleak): ...")
    result = pytester.runpytest("--goleak", "--goleak-calibrate", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*only endpoints of the configuration file are calibrated"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--goleak-calibrate=0"], "'0' is not a number of runs"),
        (["--goleak-calibrate=many"], "expected for example '--goleak-calibrate=10'"),
        (["--goleak-calibrate-write"], "give both"),
        (["--goleak-calibrate", "--goleak-calibrate-write", "--goleak-budget=5s"], "not for the file's"),
    ],
)
def test_what_makes_no_sense_is_refused(project, arguments, said):
    result = project(endpoint("/ok")).runpytest("--goleak", *arguments)

    assert result.ret == 4
    assert said in result.stderr.str()
