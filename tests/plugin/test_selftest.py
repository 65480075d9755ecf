"""``--goleak-selftest``: what is planted is found, nothing else is, and what can't be planted is never a pass."""

import pytest

from pytest_goleak.session import held
from tests.plugin.conftest import endpoint

PLANTED_IN_THE_SERVICE = ("--goleak", "--goleak-selftest", "-k", "planted and service", "-v", "-rs")


def test_the_selftest_finds_what_is_planted_and_nothing_else(project):
    result = project(endpoint("/ok")).runpytest("--goleak", "--goleak-selftest", "-v")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*a leak planted in the figures is found (GET /ok) PASSED*",
            "*a leak planted in the service is found (GET /ok) PASSED*",
            "*nothing planted is not found (GET /ok) PASSED*",
        ]
    )


@pytest.mark.parametrize(("strict", "outcome"), [([], {"skipped": 1}), (["--goleak-strict"], {"failed": 1})])
def test_what_can_not_be_planted_is_no_pass(project, monkeypatch, strict, outcome):
    monkeypatch.setattr(held, "MOST_CONNECTIONS", 2)
    pytester = project(endpoint("/ok"), config=SHORT)
    result = pytester.runpytest(*PLANTED_IN_THE_SERVICE, *strict)

    result.assert_outcomes(**outcome, deselected=3)
    result.stdout.fnmatch_lines(["*nothing could be planted in the service*"])


SHORT = """
[target]
command = ["{binary}", "-addr", "127.0.0.1:{{port}}"]
ready = "/healthz"

[measure]
budget = "6s"
idle = "1s"
"""
