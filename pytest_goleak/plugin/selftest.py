"""``--goleak-selftest``: a gate that cannot fail is worse than none, so this one is made to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_goleak.model.errors import MeasurementError
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.collect import GoleakItem, plan_of
from pytest_goleak.plugin.run import run_of
from pytest_goleak.session.planted import Plant

__all__ = ["SelftestItem"]


class SelftestItem(GoleakItem):
    """Judges an endpoint with known growth planted between the service and the judge, or with none."""

    plant: Plant

    @classmethod
    def pair(cls, parent: pytest.Collector, endpoint: Endpoint) -> Iterator[SelftestItem]:
        """Yield the control that must be found, and the one that must not."""
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
        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        report = run.check_planted(self, self.endpoint, self.plant)
        if self.plant.bytes:
            missed = [signal.value for signal in Signal if not _is_leak(report, signal)]
            if missed:
                raise MeasurementError(
                    f"selftest: {self.plant.bytes:g} B, {self.plant.objects:g} objects and {self.plant.goroutines:g} "
                    f"goroutines per request were planted, and {', '.join(missed)} were not found: {report.outcome}, "
                    f"{report.reason}. Passes of this run prove nothing; see docs/explanation/verdict.md."
                )
        elif report.outcome is not Outcome.CLEAN:
            raise MeasurementError(
                f"selftest: nothing was planted, and {self.endpoint.name} is {report.outcome}: {report.reason}. Put an "
                f"endpoint that is known to be clean, such as a health check, first in the configuration."
            )


def _is_leak(report: EndpointReport, signal: Signal) -> bool:
    return signal in report.signals and report.signals[signal].outcome is Outcome.LEAK
