"""What is refused before anything is measured, and what a mistake must not take with it."""

import json

import pytest

from tests.plugin.conftest import CONFIG, endpoint

USAGE = pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("name", ["strict", "selftest", "accept", "screen"])
def test_options_that_need_goleak_do_not_pass_without_it(project, name):
    result = project(endpoint("/ok")).runpytest(f"--goleak-{name}")

    assert result.ret == USAGE
    result.stderr.fnmatch_lines([f"ERROR: --goleak-{name} without --goleak: *Add --goleak."])


def test_ini_settings_that_need_goleak_stay_silent(project):
    pytester = project(endpoint("/ok"))
    pytester.makeini("[pytest]\ngoleak_strict = true\n")

    pytester.runpytest().assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--goleak-json=taken/x.json"], "*taken can't be written: *taken is no directory*"),
        (["--goleak-json=."], "* can't be written: it is a directory*"),
        (["--goleak-out=taken"], "*taken can't be written: *taken is no directory*"),
    ],
)
def test_places_that_can_not_be_written_to_are_refused_first(project, arguments, message):
    pytester = project(endpoint("/ok"))
    (pytester.path / "taken").write_text("a file")
    result = pytester.runpytest("--goleak", *arguments)

    assert result.ret == USAGE
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "requests in" not in result.stdout.str()


def test_accept_without_a_file_is_refused_first(pytester):
    pytester.makepyfile("def test_x(goleak): goleak.assert_no_leak('GET /x')")
    result = pytester.runpytest("--goleak", "--goleak-accept", "--goleak-url=http://127.0.0.1:1")

    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["*no goleak.toml to write into*"])


def test_a_document_that_can_not_be_written_loses_nothing_else(project):
    pytester = project(endpoint("/ok"))
    result = pytester.runpytest("--goleak", "--goleak-json=/proc/x.json", "--goleak-html=report.html")

    assert result.ret == USAGE
    result.stdout.fnmatch_lines(["clean*GET /ok*", "wrote *report.html", "ERROR: /proc/x.json can't be written: *"])


def test_a_run_that_never_began_leaves_an_earlier_document_alone(project):
    pytester = project(endpoint("/ok"))
    (pytester.path / "report.json").write_text("precious")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.goleak(budgett="3s")
        def test_x(goleak): pass
        """
    )
    result = pytester.runpytest("--goleak", "--goleak-json=report.json")

    assert result.ret == USAGE
    assert (pytester.path / "report.json").read_text() == "precious"


def test_a_broken_file_fails_no_ordinary_test(project):
    pytester = project("[[endpoints]]\npathh = '/ok'\n")
    pytester.makepyfile("def test_ordinary(): pass")

    result = pytester.runpytest("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*pathh*path*"])
    result = pytester.runpytest("--goleak")
    assert result.ret == USAGE
    result.stderr.fnmatch_lines(["ERROR: *pathh*"])


@pytest.mark.parametrize("arguments", [[], ["--goleak"]])
def test_no_marker_of_xdist_is_used_without_xdist(project, arguments):
    result = project(endpoint("/ok")).runpytest("-p", "no:xdist", "--strict-markers", "-W", "error", *arguments)

    assert result.ret == pytest.ExitCode.OK


def test_the_header_shows_no_arguments_of_the_command(project):
    config = CONFIG.replace('"-addr", ', '"-unused", "s3cr3t-t0ken", "-addr", ')
    result = project(endpoint("/ok"), config=config).runpytest("--goleak", "--collect-only")

    assert "s3cr3t" not in result.stdout.str()


def test_secrets_in_errors_of_scenarios_are_redacted(project):
    pytester = project("")
    pytester.makepyfile(
        """
        def test_x(goleak):
            def call(client):
                raise RuntimeError("refused " + "-".join(["s3cr3t", "t0ken"]))
            goleak.assert_no_leak(call)
        """
    )
    result = pytester.runpytest("--goleak", "--goleak-json=report.json", "--junitxml=junit.xml")

    result.assert_outcomes(failed=1)
    for name in ("report.json", "junit.xml"):
        assert "s3cr3t-t0ken" not in (pytester.path / name).read_text()
    assert "s3cr3t-t0ken" not in result.stdout.str()
    assert "refused ***" in result.stdout.str()


def test_every_check_of_a_test_is_reported(project):
    pytester = project(endpoint("/ok"))
    pytester.makepyfile(
        """
        def test_x(goleak):
            goleak.check("GET /ok")
            goleak.check("GET /ok", seed=2)
        """
    )
    pytester.runpytest("--goleak", "--goleak-json=report.json", "test_every_check_of_a_test_is_reported.py")
    reported = json.loads((pytester.path / "report.json").read_text())["endpoints"]

    assert [each["name"] for each in reported] == ["GET /ok", "GET /ok"]
    assert len({each["artifacts"]["heap_after"] for each in reported}) == 2
