"""Leak tests written in Python: the fixture, scenarios, loops, and targets of one's own."""

import json

import pytest

from tests.plugin.conftest import endpoint


def test_the_fixture_asserts_and_checks(project):
    pytester = project(endpoint("/memory"))
    pytester.makepyfile(
        """
        import pytest
        from pytest_goleak import LeakError

        def test_named(goleak):
            with pytest.raises(LeakError, match="main.keep") as caught:
                goleak.assert_no_leak("GET /memory")
            assert caught.value.report.findings[0].function == "main.keep"

        def test_any_request(goleak):
            report = goleak.check("GET /ok", budget="10s")
            assert report.outcome == "clean"
            assert report.is_clean

        def test_unknown(goleak):
            goleak.check("all the endpoints")
        """
    )
    result = pytester.runpytest("--goleak", "test_the_fixture_asserts_and_checks.py")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*'all the endpoints' is no endpoint of *goleak.toml, nor a request such as *"])


def test_scenarios_and_loops_are_load(project):
    pytester = project("")
    pytester.makepyfile(
        """
        import pytest

        def test_scenario(goleak):
            def shop(client):
                assert client.get("/ok").status_code == 200
                client.get("/goroutine")
            report = goleak.check(shop)
            assert report.outcome == "leak"
            assert report.name == "shop"
            assert round(report.signals["goroutines"].per_request, 2) == 1

        @pytest.mark.goleak(loop=True)
        def test_loop(goleak_client):
            assert goleak_client.get("/memory").status_code == 200

        @pytest.mark.goleak(loop=True)
        def test_clean_loop(goleak_client):
            assert goleak_client.get("/ok").status_code == 200

        @pytest.mark.goleak(loop=True)
        def test_that_fails(goleak_client):
            assert goleak_client.get("/ok").status_code == 404
        """
    )
    result = pytester.runpytest("--goleak", "-rs")

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*test_loop*object* per request*", "*assert 200 == 404*"])
    shown = result.stdout.str()
    assert '>       assert goleak_client.get("/ok").status_code == 404' in shown
    assert "calls failed: AssertionError: assert 200 == 404" in " ".join(shown.split())
    assert "test_scenarios_and_loops_are_load.py:" in shown
    assert "pytest_goleak/plugin" not in shown
    assert "declare these statuses" not in shown


def test_a_target_of_ones_own(project, service_binary):
    pytester = project("", config="")
    pytester.makeconftest(
        f"""
        import pytest
        from pytest_goleak.model.auth import Auth

        @pytest.fixture(scope="session")
        def goleak_target(goleak_process):
            return goleak_process(command=[{str(service_binary)!r}, "-addr", "127.0.0.1:{{port}}"], ready="/healthz",
                                  env={{"TOKEN": "s3cr3t-t0ken"}})

        @pytest.fixture(scope="session")
        def goleak_auth():
            return Auth(header="Authotization", token_env="PROBE_TOKEN")
        """
    )
    pytester.makepyfile("def test_ok(goleak):\n    goleak.assert_no_leak('GET /ok')\n")

    pytester.runpytest("--goleak", "--goleak-json", "report.json").assert_outcomes(passed=1)
    assert json.loads((pytester.path / "report.json").read_text())["target"]["started_by_us"]


def test_without_the_option_nothing_is_started(project):
    pytester = project("", config="[target]\ncommand = ['/nonexistent', '{{port}}']\n")
    pytester.makepyfile(
        """
        import pytest

        def test_fixture(goleak): ...

        @pytest.mark.goleak(loop=True)
        def test_loop(goleak_client): ...

        def test_other(): ...
        """
    )
    result = pytester.runpytest("-rs")

    result.assert_outcomes(skipped=2, passed=1)
    result.stdout.fnmatch_lines(["SKIPPED * leak tests run with --goleak"])


def test_marker_arguments_are_checked_when_tests_are_collected(project):
    pytester = project("")
    pytester.makepyfile("import pytest\n@pytest.mark.goleak(budgt='3s')\ndef test_x(goleak): ...\n")
    result = pytester.runpytest("--goleak")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*test_x*(budgt=...): unknown argument. Expected one of: *Did you mean 'budget'?"])


def test_a_driver_that_nobody_offers_is_refused_when_tests_are_collected(project):
    pytester = project("")
    pytester.makepyfile("import pytest\n@pytest.mark.goleak(driver='heyy')\ndef test_x(goleak): ...\n")
    result = pytester.runpytest("--goleak")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*test_x*(driver='heyy'): no such load driver. *Did you mean 'hey'?"])


def test_every_check_of_a_test_is_reported(project):
    pytester = project("")
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def checked(goleak):
            yield
            goleak.check("GET /ok")

        def test_twice(goleak, checked):
            goleak.check("GET /goroutine")
            goleak.check("GET /ok", seed=2)
            goleak.check("GET /goroutine", seed=3)
        """
    )
    result = pytester.runpytest("--goleak", "--goleak-json=report.json")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["2 clean, 2 leaks, *"])
    endpoints = json.loads((pytester.path / "report.json").read_text())["endpoints"]
    found = [(each["name"], each["seed"]) for each in endpoints]
    assert found == [("GET /goroutine", 1), ("GET /ok", 2), ("GET /goroutine", 3), ("GET /ok", 1)]
    assert len({each["artifacts"]["heap_after"] for each in endpoints}) == 4


@pytest.mark.parametrize("mistake", ["@pytest.mark.goleak(budgt=1)\ndef test_x(goleak): ...", "def test_x(:"])
def test_a_run_that_never_began_overwrites_no_report(project, mistake):
    pytester = project("")
    pytester.makeini("[pytest]\ngoleak_json = report.json\n")
    pytester.makepyfile(f"import pytest\n{mistake}\n")
    (pytester.path / "report.json").write_text("{}")

    assert pytester.runpytest("--goleak").ret in (2, 4)
    assert (pytester.path / "report.json").read_text() == "{}"
