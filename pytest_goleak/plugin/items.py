"""The configuration file as test items, one for each endpoint, the self-test's three, and calibrations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.plugin.options import calibration_runs, flag, selects
from pytest_goleak.plugin.settings import plan_of
from pytest_goleak.plugin.stash import run_of

if TYPE_CHECKING:
    from pytest_goleak.model.plan import Endpoint
    from pytest_goleak.session.selftest import Control

__all__ = ["CalibrateItem", "GoleakFile", "GoleakItem", "SelftestItem"]


class GoleakFile(pytest.File):
    """The configuration file as a collection of leak tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each endpoint; to calibrate, the first one stands for all where none is selected."""
        try:
            endpoints = plan_of(self.config).endpoints
        except pytest.UsageError as mistake:  # without --goleak: nobody asked for leak tests, so nothing else may fail
            yield BrokenItem.from_parent(self, name="configuration", mistake=str(mistake))
            return
        if flag(self.config, "goleak") and (runs := calibration_runs(self.config)):
            for endpoint in endpoints if selects(self.config) else endpoints[:1]:
                yield CalibrateItem.of(self, endpoint, runs=runs)
            return
        if flag(self.config, "goleak") and flag(self.config, "goleak_selftest"):
            yield from SelftestItem.all_of(self, endpoints[0])
        for endpoint in endpoints:
            item = GoleakItem.from_parent(self, name=endpoint.name, endpoint=endpoint)
            if endpoint.xfail is not None:
                item.add_marker(pytest.mark.xfail(reason=endpoint.xfail, raises=AssertionError, strict=False))
            yield item


class BrokenItem(pytest.Item):
    """Stands for the endpoints of a configuration file that can't be read."""

    def __init__(self, *, mistake: str, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.mistake = mistake

    def runtest(self) -> None:
        """Skip, and say what is wrong."""
        pytest.skip(self.mistake)


class GoleakItem(pytest.Item):
    """One endpoint of the configuration file."""

    def __init__(self, *, endpoint: Endpoint, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.endpoint = endpoint

    def runtest(self) -> None:
        """Examine the endpoint; raise what its outcome calls for."""
        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        run.judge(self, run.check(self, self.endpoint), self.endpoint.measure.tolerance)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        """Return the message alone: a traceback through this plugin tells the user nothing."""
        from pytest_goleak.plugin.outcome import explain  # noqa: PLC0415 - see above

        return explain(excinfo.value) or str(super().repr_failure(excinfo))

    def warn(self, warning: Warning) -> None:
        """Issue *warning* for the file as a whole: the line of an endpoint is not known, and the first one is wrong."""
        warnings.warn_explicit(warning, category=None, filename=str(self.path), lineno=0)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the endpoint in pytest's reports."""
        return self.path, 0, self.name


class SelftestItem(GoleakItem):
    """Judges an endpoint with known growth planted in the figures, in the service, or nowhere."""

    control: Control

    @classmethod
    def all_of(cls, parent: pytest.Collector, endpoint: Endpoint) -> Iterator[SelftestItem]:
        """Yield the controls that must be found, and the one that must not."""
        from pytest_goleak.session.selftest import Control  # noqa: PLC0415 - only with --goleak-selftest

        for control in Control:
            name = f"selftest: {control.claim} ({endpoint.name})"
            item: SelftestItem = cls.from_parent(parent, name=name, endpoint=endpoint)
            item.control = control
            yield item

    def runtest(self) -> None:
        """Judge, and compare with what was planted."""
        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        run.judge_control(self, run.control(self, self.endpoint, self.control))


class CalibrateItem(GoleakItem):
    """Judges an endpoint again and again; the calibration goes with the test's report."""

    runs: int

    @classmethod
    def of(cls, parent: pytest.Collector, endpoint: Endpoint, *, runs: int) -> CalibrateItem:
        """Return the item of *endpoint*, of the endpoint's name, so that it is selected as the endpoint is."""
        item: CalibrateItem = cls.from_parent(parent, name=endpoint.name, endpoint=endpoint)
        item.runs = runs
        return item

    def runtest(self) -> None:
        """Calibrate; fail where a run says leak, or could not measure."""
        from pytest_goleak.plugin.calibration import attach, judge  # noqa: PLC0415 - heavy, and only with --goleak

        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        calibration = run.calibrate(self, self.endpoint, runs=self.runs)
        attach(self, calibration, self.endpoint.measure)
        judge(calibration)
