"""The configuration file as test items, one for each endpoint, and the self-test's two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.model.errors import MeasurementError
from pytest_goleak.plugin.options import flag
from pytest_goleak.plugin.settings import plan_of

if TYPE_CHECKING:
    from pytest_goleak.model.plan import Endpoint
    from pytest_goleak.session.planted import Plant

__all__ = ["GoleakFile", "GoleakItem", "SelftestItem"]


class GoleakFile(pytest.File):
    """The configuration file as a collection of leak tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each endpoint."""
        endpoints = plan_of(self.config).endpoints
        if flag(self.config, "goleak") and flag(self.config, "goleak_selftest"):
            yield from SelftestItem.pair(self, endpoints[0])
        for endpoint in endpoints:
            item = GoleakItem.from_parent(self, name=endpoint.name, endpoint=endpoint)
            if endpoint.xfail is not None:
                item.add_marker(pytest.mark.xfail(reason=endpoint.xfail, raises=AssertionError, strict=False))
            yield item


class GoleakItem(pytest.Item):
    """One endpoint of the configuration file."""

    def __init__(self, *, endpoint: Endpoint, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.endpoint = endpoint

    def runtest(self) -> None:
        """Examine the endpoint; raise what its outcome calls for."""
        from pytest_goleak.plugin.run import run_of  # noqa: PLC0415 - heavy, and only with --goleak

        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        run.judge(self, run.check(self, self.endpoint), self.endpoint.measure.tolerance)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        """Return the message alone: a traceback through this plugin tells the user nothing."""
        from pytest_goleak.plugin.outcome import explain  # noqa: PLC0415 - see above

        return explain(excinfo.value) or str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the endpoint in pytest's reports."""
        return self.path, 0, self.name


class SelftestItem(GoleakItem):
    """Judges an endpoint with known growth planted between the service and the judge, or with none."""

    plant: Plant

    @classmethod
    def pair(cls, parent: pytest.Collector, endpoint: Endpoint) -> Iterator[SelftestItem]:
        """Yield the control that must be found, and the one that must not."""
        from pytest_goleak.session.planted import Plant  # noqa: PLC0415 - only with --goleak-selftest

        tolerance = endpoint.measure.tolerance
        twice = Plant(bytes=2 * tolerance.bytes, objects=2 * tolerance.objects, goroutines=2 * tolerance.goroutines)
        for name, plant in (
            (f"selftest: a planted leak is found ({endpoint.name})", twice),
            (f"selftest: nothing planted is not found ({endpoint.name})", Plant(bytes=0, objects=0, goroutines=0)),
        ):
            item: SelftestItem = cls.from_parent(parent, name=name, endpoint=endpoint)
            item.plant = plant
            yield item

    def runtest(self) -> None:
        """Judge, and compare with what was planted.

        Raises:
            MeasurementError: the judge is wrong, or could not measure.

        """
        from pytest_goleak.plugin.run import run_of  # noqa: PLC0415 - heavy, and only with --goleak
        from pytest_goleak.session.planted import shortfall  # noqa: PLC0415 - only with --goleak-selftest

        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        problem = shortfall(run.check_planted(self, self.endpoint, self.plant), self.plant)
        if problem is not None:
            raise MeasurementError(problem)
