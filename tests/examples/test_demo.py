"""The closing line of the demo is computed from the two documents, and only a perfect run is a success."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_DEMO = Path(__file__).parents[2] / "examples" / "demo.py"

_PLANTED = [
    {
        "cause": "growing global",
        "leaky": "GET /leak/global",
        "fixed": "GET /fixed/global",
        "function": "main.leakGlobal",
    },
    {
        "cause": "channel never received",
        "leaky": "GET /leak/channel",
        "fixed": "GET /fixed/channel",
        "function": "main.leakChannel.func1",
        "also": ["main.leakChannel.gowrap1"],
    },
]


def _endpoint(path: str, outcome: str, *functions: str) -> dict[str, Any]:
    findings = [{"function": function} for function in functions]
    return {"method": "GET", "path": path, "outcome": outcome, "reason": f"because {path}", "findings": findings}


def _perfect() -> dict[str, dict[str, Any]]:
    """Return the endpoints of a perfect run, by path."""
    endpoints = [
        _endpoint("/api/v1/healthcheck", "clean"),
        _endpoint("/leak/global", "leak", "main.leakGlobal", "main.other"),
        _endpoint("/fixed/global", "clean"),
        _endpoint("/leak/channel", "leak", "main.leakChannel.func1"),
        _endpoint("/fixed/channel", "clean"),
    ]
    return {endpoint["path"]: endpoint for endpoint in endpoints}


class Demo:
    """Runs the demo on documents in a directory."""

    def __init__(self, directory: Path) -> None:
        self.report = directory / "report.json"
        self.planted = directory / "planted.json"
        self.planted.write_text(json.dumps(_PLANTED))

    def run(self) -> tuple[int, list[str], str]:
        """Return exit code, lines and error text."""
        process = subprocess.run(
            [sys.executable, _DEMO, self.report, self.planted], capture_output=True, text=True, check=False
        )
        return process.returncode, process.stdout.splitlines(), process.stderr

    def judge(self, endpoints: dict[str, dict[str, Any]]) -> tuple[int, list[str], str]:
        self.report.write_text(json.dumps({"schema_version": 1, "endpoints": list(endpoints.values())}))
        return self.run()


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def test_a_perfect_run_is_one_line(demo: Demo) -> None:
    assert demo.judge(_perfect()) == (0, ["found 2 of 2 planted leaks, 0 false alarms in 2 fixed twins"], "")


def test_an_alternative_name_is_as_good(demo: Demo) -> None:
    endpoints = _perfect()
    endpoints["/leak/channel"]["findings"][0]["function"] = "main.leakChannel.gowrap1"
    code, lines, _ = demo.judge(endpoints)
    assert (code, len(lines)) == (0, 1)


@pytest.mark.parametrize("outcome", ["clean", "inconclusive", "error"])
def test_a_missed_leak_is_named(demo: Demo, outcome: str) -> None:
    endpoints = _perfect() | {"/leak/global": _endpoint("/leak/global", outcome)}
    assert demo.judge(endpoints) == (
        1,
        [
            f"missed: GET /leak/global (growing global) is called {outcome}: because /leak/global",
            "found 1 of 2 planted leaks, 0 false alarms in 2 fixed twins",
        ],
        "",
    )


def test_a_leak_that_was_not_measured_is_missed(demo: Demo) -> None:
    endpoints = _perfect()
    del endpoints["/leak/global"]
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    assert lines == [
        "missed: GET /leak/global (growing global) is not in the report",
        "found 1 of 2 planted leaks, 0 false alarms in 2 fixed twins",
    ]


def test_a_false_alarm_is_named(demo: Demo) -> None:
    endpoints = _perfect() | {"/fixed/global": _endpoint("/fixed/global", "leak", "main.fixedGlobal")}
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    assert lines == [
        "false alarm: GET /fixed/global: because /fixed/global",
        "found 2 of 2 planted leaks, 1 false alarms in 2 fixed twins",
    ]


def test_a_false_alarm_elsewhere_is_named_too(demo: Demo) -> None:
    endpoints = _perfect() | {"/api/v1/healthcheck": _endpoint("/api/v1/healthcheck", "leak")}
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    assert lines[0].startswith("false alarm: GET /api/v1/healthcheck, where nothing is planted")


@pytest.mark.parametrize("outcome", ["inconclusive", "error"])
def test_an_undecided_twin_is_no_success(demo: Demo, outcome: str) -> None:
    endpoints = _perfect() | {"/fixed/channel": _endpoint("/fixed/channel", outcome)}
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    assert lines[0] == f"not proven clean: GET /fixed/channel is called {outcome}: because /fixed/channel"


def test_a_twin_that_was_not_measured_is_no_success(demo: Demo) -> None:
    endpoints = _perfect()
    del endpoints["/fixed/channel"]
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    assert lines[0] == "not proven clean: GET /fixed/channel is not in the report"


@pytest.mark.parametrize("functions", [("main.other", "main.leakGlobal"), ("main.leakGlobal.func1",), ()])
def test_the_finding_on_top_has_to_name_the_function(demo: Demo, functions: tuple[str, ...]) -> None:
    endpoints = _perfect() | {"/leak/global": _endpoint("/leak/global", "leak", *functions)}
    code, lines, _ = demo.judge(endpoints)
    assert code == 1
    blamed = functions[0] if functions else "nothing"
    assert lines == [
        f"wrong function: GET /leak/global (growing global) blames {blamed}, planted is main.leakGlobal",
        "found 2 of 2 planted leaks, 0 false alarms in 2 fixed twins",
    ]


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "not a JSON document"),
        ("[]", "schema_version is None"),
        ('{"schema_version": 2, "endpoints": []}', "schema_version is 2, expected 1"),
        ('{"schema_version": 1}', "not a leak report"),
        ('{"schema_version": 1, "endpoints": [{}]}', "not a leak report"),
    ],
)
def test_a_report_that_cannot_be_compared_is_an_error(demo: Demo, report: str | None, complaint: str) -> None:
    if report is not None:
        demo.report.write_text(report)
    code, lines, error = demo.run()
    assert (code, lines) == (2, [])
    assert str(demo.report) in error
    assert complaint in error


@pytest.mark.parametrize("planted", ["[]", "{}", "[{}]", "[1]"])
def test_a_list_that_proves_nothing_is_an_error(demo: Demo, planted: str) -> None:
    demo.planted.write_text(planted)
    code, lines, error = demo.judge(_perfect())
    assert (code, lines) == (2, [])
    assert str(demo.planted) in error
