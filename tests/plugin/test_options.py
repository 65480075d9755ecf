"""Each option by command line and by ini file, and what stronger settings do to weaker ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.plugin.options import OPTIONS
from pytest_goleak.target.open import open_target
from tests.plugin.conftest import CONFIG, endpoint


def header_of(result):
    return next(line for line in result.stdout.lines if line.startswith("goleak: "))


@pytest.mark.parametrize(
    ("option", "ini", "shown"),
    [
        ("--goleak-budget=7s", "goleak_budget = 7s", "budget 7 s"),
        ("--goleak-seed=42", "goleak_seed = 42", "seed 42"),
        ("--goleak-load=hey", "goleak_load = hey", "load hey"),
        ("--goleak-url=http://127.0.0.1:1", "goleak_url = http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_settings_by_command_line_and_by_ini(pytester, option, ini, shown):
    (pytester.path / "goleak.toml").write_text('[[endpoints]]\npath = "/x"\n')
    pytester.makeini("[pytest]\n")
    assert shown in header_of(pytester.runpytest("--goleak", "--collect-only", option))

    pytester.makeini(f"[pytest]\n{ini}\n")
    assert shown in header_of(pytester.runpytest("--goleak", "--collect-only"))


def test_switches_work_by_ini(project):
    pytester = project(endpoint("/ok"))
    pytester.makeini("[pytest]\ngoleak = true\n")

    assert "seed 1" in header_of(pytester.runpytest("--collect-only"))


def test_a_bad_ini_value_names_the_file(project):
    pytester = project(endpoint("/ok"))
    pytester.makeini("[pytest]\ngoleak_budget = soon\n")
    result = pytester.runpytest("--goleak")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*goleak_budget in *tox.ini: 'soon' is not a duration*"])


def test_the_command_line_beats_the_file_and_the_file_beats_ini(project):
    pytester = project(endpoint("/ok"), config=CONFIG + "seed = 5\n")
    pytester.makeini("[pytest]\ngoleak_seed = 3\n")

    assert "seed 5" in header_of(pytester.runpytest("--goleak", "--collect-only"))
    assert "seed 9" in header_of(pytester.runpytest("--goleak", "--collect-only", "--goleak-seed=9"))


def test_every_option_is_in_the_help(pytester):
    text = pytester.runpytest("--help").stdout.str()
    for option in OPTIONS:
        assert f"--{option.name}" in text
        assert option.dest in text


def test_a_configuration_elsewhere_is_collected(project):
    pytester = project(endpoint("/ok"))
    (pytester.path / "goleak.toml").rename(pytester.path / "other.toml")
    pytester.mkdir("tests")
    result = pytester.runpytest("--goleak", "--goleak-config=other.toml", "--collect-only", "-q", "tests")

    result.stdout.fnmatch_lines(["other.toml::GET /ok"])


def test_pyproject_is_read_when_there_is_no_goleak_toml(project):
    pytester = project("")
    (pytester.path / "goleak.toml").unlink()
    (pytester.path / "pyproject.toml").write_text(
        '[tool.goleak.target]\nurl = "http://127.0.0.1:1"\n[[tool.goleak.endpoints]]\npath = "/ok"\n'
    )
    result = pytester.runpytest("--goleak", "--collect-only", "-q")

    result.stdout.fnmatch_lines(["pyproject.toml::GET /ok"])


@pytest.mark.parametrize("arguments", [["sub/goleak.toml"], ["sub"], ["sub/goleak.toml::GET /ok"]])
def test_a_file_given_as_an_argument_is_the_configuration(project, arguments):
    pytester = project(endpoint("/ok"))
    pytester.mkdir("sub")
    (pytester.path / "goleak.toml").rename(pytester.path / "sub" / "goleak.toml")
    result = pytester.runpytest("--goleak", "--collect-only", "-q", *arguments)

    result.stdout.fnmatch_lines(["sub/goleak.toml::GET /ok"])


def test_documents_and_artifacts_are_written_where_they_are_asked_for(project):
    pytester = project(endpoint("/memory"))
    result = pytester.runpytest(
        "--goleak",
        "--goleak-json=out/report.json",
        "--goleak-html=out/report.html",
        "--goleak-sarif=out/report.sarif",
        "--goleak-out=profiles",
    )

    result.assert_outcomes(failed=1)
    assert json.loads((pytester.path / "out/report.sarif").read_text())["runs"][0]["results"]
    assert "main.keep" in (pytester.path / "out/report.html").read_text()
    assert (pytester.path / "profiles/GET_memory/heap_diff.pb.gz").is_file()
    assert not (pytester.path / ".goleak").exists()


def test_hey_drives_the_load_too(project, hey, monkeypatch):
    monkeypatch.setenv("PATH", f"{Path(hey).parent}{os.pathsep}{os.environ['PATH']}")
    result = project(endpoint("/goroutine")).runpytest("--goleak", "--goleak-load=hey")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*main.leakGoroutine.func1*"])


def test_an_older_build_makes_its_leaks_known(project, service_binary):
    older = TargetPlan(
        command=(str(service_binary), "-addr", "127.0.0.1:{port}"), ready="/healthz", env={"TOKEN": "s3cr3t-t0ken"}
    )
    pytester = project(endpoint("/memory"))
    with open_target(older) as target:
        result = pytester.runpytest("--goleak", f"--goleak-base-url={target.url}", "--goleak-json=report.json")

    result.assert_outcomes(passed=1)
    report = json.loads((pytester.path / "report.json").read_text())
    assert [each["baseline"] for each in report["endpoints"][0]["findings"]] == ["unchanged"]


def test_the_plugin_costs_nothing_heavy_until_it_is_asked_for(pytester):
    code = (
        "import sys, pytest; code = pytest.main(['--collect-only', '-q']); "
        "heavy = {'scipy', 'numpy', 'httpx', 'pycurl', 'google.protobuf', 'psutil', 'pydantic'} & set(sys.modules); "
        "assert 'pytest_goleak.plugin' in sys.modules; assert not heavy, heavy"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=pytester.path, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr
