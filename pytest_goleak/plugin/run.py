"""The run of the leak tests: its session, and what each item gets of it."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_goleak.model.auth import Auth
from pytest_goleak.model.calibration import Calibration
from pytest_goleak.model.errors import InconclusiveError, LeakError, MeasurementError
from pytest_goleak.model.plan import Endpoint, RunPlan, Tolerance
from pytest_goleak.model.protocols import LoadDriver
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.collect import is_leak_test
from pytest_goleak.plugin.drivers import offered
from pytest_goleak.plugin.economy import Economy
from pytest_goleak.plugin.options import flag, out_directory, value
from pytest_goleak.plugin.outcome import GoleakWarning
from pytest_goleak.plugin.progress import LiveProgress
from pytest_goleak.plugin.settings import plan_of
from pytest_goleak.report.jsondoc import endpoint_to_dict, target_to_dict
from pytest_goleak.report.terminal import render_endpoint
from pytest_goleak.session.calibrate import calibrate_endpoint
from pytest_goleak.session.compare import against
from pytest_goleak.session.selftest import Control, ControlOutcome, ControlResult, run_control
from pytest_goleak.session.session import GoleakSession

__all__ = ["GoleakRun"]

REPORTS = pytest.StashKey[list[EndpointReport]]()


class GoleakRun:
    """Makes the session at first use, checks endpoints with it, and closes it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._session: GoleakSession | None = None
        self._older: GoleakSession | None = None
        self._progress = LiveProgress(config)
        self._turn = turn_of(config)
        self._economy = Economy(config)

    @property
    def session(self) -> GoleakSession:
        """The session of this process."""
        if self._session is None:
            self._session = self._open(plan_of(self.config), out_directory(self.config))
        return self._session

    @property
    def older(self) -> GoleakSession | None:
        """The session on the older build, where ``--goleak-base-url`` names one."""
        url = value(self.config, "goleak_base_url")
        if self._older is None and isinstance(url, str):
            plan = plan_of(self.config)
            target = dataclasses.replace(plan.target, url=url, build=None, command=None)
            self._older = self._open(dataclasses.replace(plan, target=target), out=None)
        return self._older

    def _open(self, plan: RunPlan, out: Path | None) -> GoleakSession:
        hook = self.config.hook
        return GoleakSession(
            plan,
            drivers=offered(self.config),
            out=out,
            rules=[rule for rules in hook.pytest_goleak_hints(config=self.config) for rule in rules],
            make_source=lambda target, fetcher: hook.pytest_goleak_sources(
                config=self.config, target=target, fetcher=fetcher
            ),
        )

    def check(self, item: pytest.Item, endpoint: Endpoint, *, driver: LoadDriver | None = None) -> EndpointReport:
        """Examine *endpoint* and remember the report for *item*."""
        try:
            with self._turn:
                report = self._cleared(item, driver) or self._examined(item, endpoint, driver)
                if report.outcome is Outcome.LEAK and self.older is not None:
                    older = self.older.check(endpoint, item_id=_id(item), driver=driver, listen=self._progress)
                    report = against(report, older)
        finally:
            self._progress.clear()
        item.stash.setdefault(REPORTS, []).append(report)
        return report

    def _cleared(self, item: pytest.Item, driver: LoadDriver | None) -> EndpointReport | None:
        """Return the report of an endpoint of the configuration that a screen has cleared."""
        return self._economy.cleared(item.nodeid, self.session, self._progress) if driver is None else None

    def _examined(self, item: pytest.Item, endpoint: Endpoint, driver: LoadDriver | None) -> EndpointReport:
        allowed = self._economy.allowed(endpoint, self.session)
        if allowed is None:
            return self._economy.spent(endpoint, _id(item))
        return self.session.check(allowed, item_id=_id(item), driver=driver, listen=self._progress)

    def control(self, item: pytest.Item, endpoint: Endpoint, control: Control) -> ControlResult:
        """Examine *endpoint* with *control* in place; not part of the run's report."""
        try:
            with self._turn:
                return run_control(self.session, control, endpoint, item_id=_id(item), listen=self._progress)
        finally:
            self._progress.clear()

    def calibrate(self, item: pytest.Item, endpoint: Endpoint, *, runs: int) -> Calibration:
        """Judge *endpoint* in *runs* runs; not part of the run's report."""
        try:
            with self._turn:
                return calibrate_endpoint(self.session, endpoint, runs=runs, item_id=_id(item), listen=self._progress)
        finally:
            self._progress.clear()

    def judge(self, item: pytest.Item, report: EndpointReport, tolerance: Tolerance) -> None:
        """Raise what the outcome of *report*, judged by *tolerance*, calls for.

        Raises:
            LeakError: a leak that is not known.
            MeasurementError: the outcome ``error``.
            InconclusiveError: inconclusive, with ``--goleak-strict``.

        """
        __tracebackhide__ = True
        text = render_endpoint(report, tolerance=tolerance, source=plan_of(self.config).source)
        match report.outcome:
            case Outcome.LEAK if not report.is_known:
                raise LeakError(text, report)
            case Outcome.ERROR:
                raise MeasurementError(text)
            case Outcome.INCONCLUSIVE:
                if flag(self.config, "goleak_strict"):
                    raise InconclusiveError(text)
                skip_undecided(
                    item, f"{report.name} is inconclusive: {report.reason}", f"inconclusive: {report.reason}"
                )

    def judge_control(self, item: pytest.Item, result: ControlResult) -> None:
        """Raise what the *result* of a control calls for.

        Raises:
            MeasurementError: the judge is wrong, or could not measure.
            InconclusiveError: nothing could be planted, with ``--goleak-strict``.

        """
        __tracebackhide__ = True
        message = f"selftest: {result.message}"
        match result.outcome:
            case ControlOutcome.FAILED:
                raise MeasurementError(message)
            case ControlOutcome.NOT_PLANTED:
                if flag(self.config, "goleak_strict"):
                    raise InconclusiveError(message)
                skip_undecided(item, message, message)

    def adopt(self, target: object, auth: Auth) -> None:
        """Use what the fixtures ``goleak_target`` and ``goleak_auth`` gave instead of the configuration's."""
        # What is typed is stronger than what a conftest says.
        chosen = None if self.config.getoption("goleak_url") else target
        self.session.service.use(chosen, auth)

    # --- hooks -----------------------------------------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn which leak tests are to come."""
        self._economy.expect([item for item in session.items if is_leak_test(item)])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item):  # type: ignore[no-untyped-def] # noqa: ANN201
        """Attach the endpoints' reports as plain data: so they come to the controller of xdist by themselves."""
        report = yield
        if REPORTS in item.stash:
            report.goleak = {
                "target": target_to_dict(self.session.service.info),
                "endpoints": [endpoint_to_dict(each) for each in item.stash[REPORTS]],
            }
            del item.stash[REPORTS]  # what a later phase, or a rerun of the test, examines comes with its own report
        return report

    def pytest_unconfigure(self) -> None:
        """Stop the service, whatever ended the run."""
        for session in (self._session, self._older):
            if session is not None:
                session.service.close()
        self._session = self._older = None


def skip_undecided(item: pytest.Item, warning: str, reason: str) -> None:
    """Skip *item* for *reason*, with a warning: what was not decided is no pass, and has not failed."""
    # Where warnings are errors the skip itself has to do.
    with suppress(GoleakWarning):
        item.warn(GoleakWarning(warning))
    pytest.skip(reason)


def turn_of(config: pytest.Config) -> AbstractContextManager[object]:
    """Return what to hold while measuring: workers of one run take turns, whoever schedules them."""
    worker = getattr(config, "workerinput", None)
    if worker is None:
        return nullcontext()
    return FileLock(Path(tempfile.gettempdir(), f"goleak-{worker['testrunuid']}.lock"))


def _id(item: pytest.Item) -> str:
    """Return the node id as the user types it, without the group that xdist appends."""
    return item.nodeid.removesuffix("@goleak")
