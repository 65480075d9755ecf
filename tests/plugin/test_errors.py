"""What could not be measured is an error that says why and what to do, and never a pass."""

from pathlib import Path

import pytest

from tests.plugin.conftest import CONFIG, endpoint


def only_failure(result, *lines):
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(list(lines))
    assert "Traceback" not in result.stdout.str()
    assert "s3cr3t" not in result.stdout.str()


def test_a_service_that_dies_is_reported_with_its_last_words(project):
    only_failure(project(endpoint("/die")).runpytest("--goleak"), "*out of everything*", "*error*GET /die*")


def test_a_wrong_token_is_named(project, monkeypatch):
    pytester = project(endpoint("/ok"))
    monkeypatch.setenv("PROBE_TOKEN", "s3cr3t-wrong")

    only_failure(pytester.runpytest("--goleak"), "*401*")


def test_a_missing_token_is_named(project, monkeypatch):
    pytester = project(endpoint("/ok"))
    monkeypatch.delenv("PROBE_TOKEN")

    only_failure(pytester.runpytest("--goleak"), "*PROBE_TOKEN*")


def test_unexpected_statuses_are_an_error_unless_declared(project):
    pytester = project(endpoint("/status/500") + endpoint("/status/404", expect="[404]", budget='"12s"'))
    result = pytester.runpytest("--goleak")

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*answers were not as expected (statuses: 500 x*", "*declare these statuses*"])


def test_a_build_that_fails_shows_the_compilers_words(project):
    pytester = project(
        endpoint("/ok"),
        config='[target]\nbuild = ["go", "build", "./nowhere"]\ncommand = ["x", "{{port}}"]\n',
    )
    only_failure(pytester.runpytest("--goleak"), "*go build*nowhere*")


def test_nobody_listens(project):
    pytester = project(endpoint("/ok"), config='[target]\nurl = "http://127.0.0.1:9"\n')

    only_failure(pytester.runpytest("--goleak"), "*127.0.0.1:9*")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goleak-budget=soon"], "*--goleak-budget: 'soon' is not a duration; expected for example '30s'*"),
        (["--goleak-seed=x"], "*--goleak-seed: 'x' is not a seed; expected a whole number*"),
        (["--goleak-url=localhost"], "*--goleak-url: 'localhost' is not a URL; expected for example*"),
        (["--goleak-config=nowhere.toml"], "*--goleak-config: 'nowhere.toml' is not a file*"),
        (["-o", "goleak_budget=xx"], "*-o goleak_budget: 'xx' is not a duration*"),
        (["-o", "goleak_strict=maybe"], "*-o goleak_strict is neither on nor off; expected 'true' or 'false'*"),
        (["--dist=each", "--tx=popen"], "*--dist=each with --goleak: *--dist=loadgroup*"),
    ],
)
def test_bad_options_are_usage_errors(project, arguments, message):
    result = project(endpoint("/ok")).runpytest("--goleak", *arguments)

    assert result.ret == 4
    result.stderr.fnmatch_lines([message])


def test_a_bad_file_is_a_usage_error_with_every_problem(project):
    result = project(endpoint("/ok", budgt='"3s"') + endpoint("/x", mode='"fast"')).runpytest("--goleak")

    assert result.ret == 4
    result.stderr.fnmatch_lines(['*goleak.toml: endpoints?0?.budgt*did you mean "budget"*', "*endpoints?1?.mode*"])


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({}, ["--goleak-load=wrek"], "*--goleak-load wrek: no such load driver. Expected one of: builtin, hey,*"),
        ({}, ["--goleak-load=hay"], "*--goleak-load hay: no such load driver.*Did you mean 'hey'?"),
        (
            {"driver": '"k6"'},
            [],
            '*goleak.toml: driver = "k6" (endpoint "GET /x"): this driver is planned and not in *',
        ),
        (
            {"headers": '{ X-A = "{random:5,1}" }'},
            [],
            "*goleak.toml: endpoint \"GET /x\": *'X-A'*random:5,1*empty range*",
        ),
        (
            {"driver": '"hey"', "mode": '"abort"'},
            [],
            '*goleak.toml: endpoint "GET /x", driver = "hey": *mode \'abort\'*',
        ),
        (
            {"driver": '"hey"', "headers": '{ X-A = "{n}" }'},
            [],
            '*endpoint "GET /x", driver = "hey": hey sends the same*',
        ),
    ],
)
def test_what_no_driver_can_send_is_a_usage_error_at_collection(project, settings, arguments, message):
    pytester = project(endpoint("/ok") + endpoint("/x", **settings))
    for more in ([], ["--collect-only"]):
        result = pytester.runpytest("--goleak", *arguments, *more)

        assert result.ret == 4
        result.stderr.fnmatch_lines([message])


def test_inconclusive_is_skipped_with_a_warning_and_fails_when_strict(project):
    # Half a second is not enough for any verdict.
    pytester = project(
        endpoint("/memory"), config=CONFIG.replace('"60s"', '"0.5s"').replace('idle = "2s"', 'idle = "0.4s"')
    )

    result = pytester.runpytest_subprocess("--goleak", "-rs")
    result.assert_outcomes(skipped=1, warnings=1)
    assert CONFIG.split()[0] not in result.stdout.str()
    result.stdout.fnmatch_lines(
        ["*goleak.toml:0: GoleakWarning: GET /memory is inconclusive: *", "SKIPPED * inconclusive: *"]
    )
    pytester.runpytest("--goleak", "--goleak-strict").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goleak-json=/proc/x.json"], "--goleak-json: /proc/x.json can't be written: *"),
        (["--goleak-html=goleak.toml/x"], "--goleak-html: *goleak.toml/x can't be written: Not a directory.*"),
        (["--goleak-sarif=."], "--goleak-sarif: * can't be written: Is a directory.*"),
        (["--goleak-out=/proc/zz"], "--goleak-out: /proc/zz can't be written: *"),
        (["--goleak-out=goleak.toml"], "--goleak-out: *goleak.toml can't be written: Not a directory.*"),
        (["-o", "goleak_out=/proc/zz"], "-o goleak_out: /proc/zz can't be written: *"),
    ],
)
def test_what_can_not_be_written_is_refused_before_measuring(project, arguments, message):
    result = project(endpoint("/ok")).runpytest("--goleak", *arguments)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{message}"])
    assert not result.stdout.str()
    assert not Path(".goleak").exists()


@pytest.mark.parametrize("option", [["--goleak-accept"], ["--goleak-calibrate", "--goleak-calibrate-write"]])
def test_there_must_be_a_file_to_write_into(pytester, option):
    pytester.makeini("[pytest]\n")
    result = pytester.runpytest("--goleak", *option)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{option[-1]}: there is no goleak.toml to write into.*"])


def test_a_document_that_fails_at_the_end_costs_nothing_else(project):
    pytester = project(endpoint("/status/204"))
    pytester.makeconftest(
        """
        import os

        def pytest_runtest_teardown():
            os.mkdir("report.json")

        def pytest_goleak_reporters(config):
            return {"broken.txt": lambda report: report.nothing}
        """
    )
    result = pytester.runpytest(
        "--goleak", "--goleak-json=report.json", "--goleak-html=report.html", "goleak.toml::GET /status/204"
    )

    assert result.ret == 4
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "1 clean, *",
            "wrote *report.html",
            "ERROR: *report.json can't be written: Is a directory.*",
            "ERROR: the reporter of broken.txt failed: AttributeError: *",
            "*1 passed*",
        ]
    )


BROKEN = {"a wrong key": endpoint("/ok", budgt='"3s"'), "no TOML": "[[endpoints"}


@pytest.mark.parametrize("arguments", [[], ["test_other.py"], ["-n2"]])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_keeps_no_other_test_from_running(project, broken, arguments):
    pytester = project(BROKEN[broken])
    pytester.makepyfile(test_other="def test_other(): ...\ndef test_leak(goleak): ...")
    result = pytester.runpytest_subprocess("-rs", *arguments)

    assert result.ret == 0
    is_collected = "test_other.py" not in arguments
    result.assert_outcomes(passed=1, skipped=1 + is_collected)
    if is_collected:
        result.stdout.fnmatch_lines(["SKIPPED *goleak.toml:*"])


@pytest.mark.parametrize("arguments", [[], ["test_other.py"]])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_file_is_a_usage_error_where_leak_tests_are_asked_for(project, broken, arguments):
    pytester = project(BROKEN[broken])
    pytester.makepyfile(test_other="def test_other(): ...")
    result = pytester.runpytest("--goleak", *arguments)

    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: *goleak.toml:*"])
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize("option", ["--goleak-strict", "--goleak-calibrate", "--goleak-selftest", "--goleak-seed=3"])
def test_options_that_do_nothing_alone_ask_for_goleak(project, option):
    pytester = project(endpoint("/ok"))
    result = pytester.runpytest(option)

    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*{option.partition('=')[0]} without --goleak: *. Add --goleak."])
    pytester.makeini(f"[pytest]\naddopts = {option}\ngoleak_strict = true\n")
    pytester.runpytest().assert_outcomes(skipped=1)


def test_a_directory_without_anything_to_run_is_told_how_to_begin(pytester):
    pytester.makeini("[pytest]\n")
    result = pytester.runpytest("--goleak")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines([f"no leak test: there is no goleak.toml in {pytester.path}, *", "*goleak doctor *"])


def test_arguments_of_a_call_are_not_blamed_on_a_marker(project):
    pytester = project("")
    pytester.makepyfile("def test_x(goleak): goleak.assert_no_leak('GET /ok', budgett='3s')")
    result = pytester.runpytest("--goleak")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*arguments for "GET /ok": budgett*did you mean "budget"*'])
