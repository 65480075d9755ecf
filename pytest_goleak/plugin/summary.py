"""What the controlling process does with the reports: collect them, print the summary, write the documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_goleak import __version__
from pytest_goleak.config.ignorefile import accepted_reason, append_ignores
from pytest_goleak.findings.hints import CONSEQUENCE
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import IgnoreRule, RunPlan
from pytest_goleak.model.report import EndpointReport, Outcome, RunReport, TargetInfo
from pytest_goleak.plugin.options import flag, out_directory
from pytest_goleak.plugin.outputs import document_path, unwritable
from pytest_goleak.report import htmlpage, jsondoc, sarif, terminal
from pytest_goleak.session.today import today

__all__ = ["DOCUMENTS", "Summary"]

DOCUMENTS = {"goleak_json": jsondoc.render, "goleak_html": htmlpage.render, "goleak_sarif": sarif.render}

NO_CONFIGURATION = """\
no leak test: there is no goleak.toml in {directory}, nor [tool.goleak] in its pyproject.toml.
Write a goleak.toml with the service and an endpoint:

  [target]
  url = "http://127.0.0.1:8080"

  [[endpoints]]
  path = "/"

`goleak doctor --url URL` shows what a service lets one measure; --goleak-config names a file elsewhere."""

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
        self._found: dict[tuple[str, str], list[EndpointReport]] = {}
        self._has_run = False
        self._written: list[str] = []
        self._problems: list[str] = []

    @property
    def report(self) -> RunReport:
        """The run so far."""
        return RunReport(
            tool_version=__version__,
            target=self._target,
            seed=self._plan.measure.seed,
            endpoints=self._endpoints,
            source=self._plan.source,
        )

    @property
    def _endpoints(self) -> tuple[EndpointReport, ...]:
        return tuple(each for reports in self._found.values() for each in reports)

    def pytest_report_header(self) -> str:
        """Name the target and what a rerun needs."""
        plan = self._plan
        # Arguments of the command may be secrets.
        command = Path(plan.target.command[0]).name if plan.target.command else None
        target = plan.target.url or command or "given by the goleak_target fixture"
        return (
            f"goleak: {target}, seed {plan.measure.seed}, budget {plan.measure.budget_s:g} s per endpoint, "
            f"load {plan.load.driver}"
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the reports that came with a test report."""
        self._has_run = True
        attached = getattr(report, "goleak", None)
        if attached is None:
            return
        self._target = jsondoc.target_from_dict(attached["target"])
        # A rerun of the same item (flaky reruns) replaces what was known of it.
        self._found[report.nodeid, report.when] = [jsondoc.endpoint_from_dict(each) for each in attached["endpoints"]]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the documents that were asked for; what can't be written keeps nothing else from being shown."""
        if not self._has_run:  # the documents of the last run are worth more than empty ones
            return
        for option, render in DOCUMENTS.items():
            if (path := document_path(self._config, option)) is not None:
                self._write(path, render)
        out = out_directory(self._config)
        for answer in self._config.hook.pytest_goleak_reporters(config=self._config):
            for name, render in answer.items():
                self._write(out / name, render)
        if flag(self._config, "goleak_accept"):
            self._accept()
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        """Print one line per endpoint, and where the documents are; where there was nothing to run, how to begin."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._plan.source is None:
            terminalreporter.section("goleak")
            terminalreporter.write_line(NO_CONFIGURATION.format(directory=self._config.rootpath))
        if not (self._endpoints or self._written or self._problems):
            return
        terminalreporter.section("goleak")
        for text, outcome in terminal.summary(self.report):
            terminalreporter.write_line(text, **COLOURS.get(outcome, {}) if outcome else {})
        for line in self._written:
            terminalreporter.write_line(line)
        for line in self._problems:
            terminalreporter.write_line(f"ERROR: {line}", **COLOURS[Outcome.ERROR])

    def _write(self, path: Path, render: Callable[[RunReport], str]) -> None:
        try:
            document = render(self.report)
        except Exception as problem:  # noqa: BLE001 - a plugin's own mistake must not cost the verdicts
            self._problems.append(f"the reporter of {path.name} failed: {type(problem).__name__}: {problem}")
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document, encoding="utf-8")
        except OSError as problem:
            self._problems.append(unwritable(path, problem))
        else:
            self._written.append(f"wrote {path}")

    def _accept(self) -> None:
        """Write the leaks found now into the configuration file."""
        reason = accepted_reason(today())
        new = [
            finding
            for each in self._endpoints
            if each.xfail is None  # expected in one place, not permitted everywhere
            for finding in each.new_findings
            if finding.rule_id != CONSEQUENCE.id  # goes with its cause
        ]
        functions = dict.fromkeys(finding.function for finding in new if finding.user_frames)
        # A rule for a library's function would hide the leaks of all who call it.
        if foreign := dict.fromkeys(finding.function for finding in new if not finding.user_frames):
            self._written.append(
                f"not accepted, since they are a library's and not your code: {', '.join(foreign)}. "
                f"What remains of them in the next run needs a rule of your own"
            )
        if not functions:
            self._written.append("nothing to accept: no new leak was found in your code")
            return
        rules = [IgnoreRule(function=function, reason=reason) for function in functions]
        assert self._plan.source is not None  # see check_outputs
        try:
            append_ignores(Path(self._plan.source), rules)
        except GoleakError as problem:
            self._problems.append(f"--goleak-accept: {problem}")
            return
        leaks = "1 leak" if len(rules) == 1 else f"{len(rules)} leaks"
        self._written.append(f"accepted {leaks} in {self._plan.source}: give each its reason")
