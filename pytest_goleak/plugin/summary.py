"""What the controlling process does with the reports: collect them, print the summary, write the documents."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_goleak import __version__
from pytest_goleak.config.ignorefile import accepted_reason, append_ignores
from pytest_goleak.findings.hints import CONSEQUENCE
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import IgnoreRule, RunPlan
from pytest_goleak.model.report import EndpointReport, Outcome, RunReport, TargetInfo
from pytest_goleak.plugin.options import flag, out_directory, value
from pytest_goleak.report import htmlpage, jsondoc, sarif, terminal
from pytest_goleak.session.today import today

__all__ = ["Summary"]

DOCUMENTS = {"goleak_json": jsondoc.render, "goleak_html": htmlpage.render, "goleak_sarif": sarif.render}

COLOURS = {
    Outcome.CLEAN: {"green": True},
    Outcome.LEAK: {"red": True},
    Outcome.INCONCLUSIVE: {"yellow": True},
    Outcome.ERROR: {"red": True, "bold": True},
}


class Summary:
    """Collects the reports of all items, those of xdist's workers included."""

    def __init__(self, config: pytest.Config, plan: RunPlan) -> None:
        self._config = config
        self._plan = plan
        self._target = TargetInfo(url=plan.target.url or "", started_by_us=plan.target.is_started_by_us)
        self._by_item: dict[str, list[EndpointReport]] = {}
        self._written: list[str] = []
        self._problems: list[str] = []
        self._has_run = False
        check_places(config, plan)

    @property
    def _endpoints(self) -> list[EndpointReport]:
        return [report for reports in self._by_item.values() for report in reports]

    @property
    def report(self) -> RunReport:
        """The run so far."""
        return RunReport(
            tool_version=__version__,
            target=self._target,
            seed=self._plan.measure.seed,
            endpoints=tuple(self._endpoints),
        )

    def pytest_report_header(self) -> str:
        """Name the target and what a rerun needs."""
        plan = self._plan
        # Arguments of the command may have secrets in them that nobody has told us of.
        program = plan.target.command[0] if plan.target.command else None
        target = plan.target.url or program or "given by the goleak_target fixture"
        return (
            f"goleak: {target}, seed {plan.measure.seed}, budget {plan.measure.budget_s:g} s per endpoint, "
            f"load {plan.load.driver}"
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the reports that came with a test report."""
        attached = getattr(report, "goleak", None)
        if attached is None:
            return
        self._target = jsondoc.target_from_dict(attached["target"])
        # A rerun of the same item (flaky reruns) replaces what was known of it.
        self._by_item[report.nodeid] = [jsondoc.endpoint_from_dict(each) for each in attached["endpoints"]]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Note that collection went well: else an earlier run's documents are worth more than empty ones."""
        self._has_run = not self._config.option.collectonly

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the documents that were asked for; what can't be written fails the run and loses nothing else."""
        if not self._has_run:
            return
        for option, render in DOCUMENTS.items():
            path = value(self._config, option)
            if isinstance(path, Path):
                self._write(self._config.invocation_params.dir / path, render(self.report))
        out = out_directory(self._config)
        for answer in self._config.hook.pytest_goleak_reporters(config=self._config):
            for name, render in answer.items():
                self._write(out / name, render(self.report))
        if flag(self._config, "goleak_accept"):
            self._accept()
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print one line per endpoint, and where the documents are."""
        if not self._endpoints and not self._written and not self._problems:
            return
        terminalreporter.section("goleak")
        for text, outcome in terminal.summary(self.report):
            terminalreporter.write_line(text, **COLOURS.get(outcome, {}) if outcome else {})
        for line in self._written:
            terminalreporter.write_line(line)
        for line in self._problems:
            terminalreporter.write_line(f"ERROR: {line}", red=True)

    def _write(self, path: Path, document: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document, encoding="utf-8")
        except OSError as problem:
            self._problems.append(cant_write(path, problem.strerror))
        else:
            self._written.append(f"wrote {path}")

    def _accept(self) -> None:
        """Write the leaks found now into the configuration file."""
        reason = accepted_reason(today())
        functions = {
            finding.function: None
            for each in self._endpoints
            if each.xfail is None  # expected in one place, not permitted everywhere
            for finding in each.new_findings
            if finding.rule_id != CONSEQUENCE.id  # goes with its cause
            if finding.user_frames or finding is each.new_findings[0]  # a library's function would hide other leaks
        }
        if not functions:
            self._written.append("nothing to accept: no new leak was found")
            return
        assert self._plan.source is not None, "refused before the run"
        rules = [IgnoreRule(function=function, reason=reason) for function in functions]
        try:
            append_ignores(Path(self._plan.source), rules)
        except GoleakError as problem:
            self._problems.append(str(problem))
            return
        leaks = "1 leak" if len(rules) == 1 else f"{len(rules)} leaks"
        self._written.append(f"accepted {leaks} in {self._plan.source}: give each its reason")


def check_places(config: pytest.Config, plan: RunPlan) -> None:
    """Refuse, before anything is measured, places that nothing can be written to.

    Raises:
        pytest.UsageError: names the place and why.

    """
    if flag(config, "goleak_accept") and plan.source is None:
        raise pytest.UsageError("--goleak-accept: no goleak.toml to write into; create one next to your tests")
    files = [config.invocation_params.dir / path for name in DOCUMENTS if isinstance(path := value(config, name), Path)]
    for path in files:
        if path.is_dir():
            raise pytest.UsageError(cant_write(path, "it is a directory"))
    for directory in (*(path.parent for path in files), out_directory(config)):
        existing = next(place for place in (directory, *directory.parents) if place.exists())
        if not existing.is_dir():
            raise pytest.UsageError(cant_write(directory, f"{existing} is no directory"))
        if not os.access(existing, os.W_OK):
            raise pytest.UsageError(cant_write(directory, f"{existing} is not writable"))


def cant_write(path: Path, why: str | None) -> str:
    """Return the message for a place that can't be written to."""
    return f"{path} can't be written: {why}. Expected a path in a writable directory."
