"""``--goleak-calibrate`` in pytest: what goes with a test's report, the section at the end, the settings written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_goleak.model.calibration import Calibration, Suggestion
from pytest_goleak.model.errors import GoleakError, MeasurementError
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome
from pytest_goleak.plugin.options import flag, selects
from pytest_goleak.plugin.settings import config_file
from pytest_goleak.report.calibration import render_calibration

__all__ = ["CalibrationSummary", "attach", "judge"]

PROPERTY = "goleak_calibration"


def attach(item: pytest.Item, calibration: Calibration, present: MeasurePlan) -> None:
    """Let *calibration* go with the report of *item*, as text: so it comes to the controller of xdist by itself."""
    document = {
        "name": calibration.name,
        "text": render_calibration(calibration),
        "settings": _changes(calibration.suggestion, present) if calibration.suggestion else {},
    }
    item.user_properties.append((PROPERTY, json.dumps(document, ensure_ascii=False)))


def _changes(suggestion: Suggestion, present: MeasurePlan) -> dict[str, object]:
    """Return the keys of ``[measure]`` that *suggestion* would change."""
    changes: dict[str, object] = {}
    if suggestion.budget_s != present.budget_s:
        changes["budget"] = f"{suggestion.budget_s:g}s"
    if suggestion.tolerance != present.tolerance:
        changes["tolerance"] = dataclasses.asdict(suggestion.tolerance)
    return changes


def judge(calibration: Calibration) -> None:
    """Raise where the calibration shows what no setting should hide.

    Raises:
        MeasurementError: a run says leak, or could not measure.

    """
    __tracebackhide__ = True
    leaks = calibration.count(Outcome.LEAK)
    if not leaks and not calibration.count(Outcome.ERROR):
        return
    reason = calibration.reasons[0].rstrip(".")
    what = f"{leaks} of {calibration.runs} runs say leak: {reason}" if leaks else reason
    raise MeasurementError(f"{calibration.name} can't be calibrated by: {what}. The summary says what to do.")


class CalibrationSummary:
    """Collects the calibrations of all items, prints them, and writes what they suggest where that is asked for."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: dict[str, dict[str, Any]] = {}
        self._said: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the calibration that came with a test report."""
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "call":
                document = json.loads(str(value))
                self._found[document["name"]] = document

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the suggested settings into the configuration."""
        if not flag(self._config, "goleak_calibrate_write") or self._config.option.collectonly:
            return
        settings = {name: each["settings"] for name, each in self._found.items() if each["settings"]}
        path = config_file(self._config)
        if not settings or path is None:
            self._said.append("no settings to write: the present ones suit, or none are suggested")
            return
        try:
            self._said += self._write(path, settings)
        except GoleakError as problem:
            self._said.append(f"ERROR: --goleak-calibrate-write: {problem}")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the figures of each endpoint."""
        if not self._found:
            return
        terminalreporter.section("goleak calibration")
        for document in self._found.values():
            terminalreporter.write_line(document["text"])
            terminalreporter.write_line("")
        for line in self._said:
            terminalreporter.write_line(line)

    def _write(self, path: Path, settings: dict[str, dict[str, Any]]) -> list[str]:
        from pytest_goleak.config.writeback import write_measure  # noqa: PLC0415 - tomlkit, only to write

        # Where nobody selected endpoints, the first one stands for the whole service.
        diff = write_measure(path, settings, shared=not selects(self._config))
        return [f"wrote the suggested settings into {path}:", *diff.splitlines()]
