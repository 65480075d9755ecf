"""An A/A experiment: one endpoint of one build, judged again and again, each time with another coin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.model.calibration import Calibration
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver, Progress, ProgressListener
from pytest_goleak.model.report import Outcome
from pytest_goleak.session.planted import CountingDriver
from pytest_goleak.session.session import GoleakSession
from pytest_goleak.stats.calibration import calibrate

__all__ = ["calibrate_endpoint"]


def calibrate_endpoint(
    session: GoleakSession,
    endpoint: Endpoint,
    *,
    runs: int,
    item_id: str,
    listen: ProgressListener = lambda _: None,
) -> Calibration:
    """Judge *endpoint* in *runs* runs with seeds that count up from its own, and sum them up.

    A run that could not measure ends it: the next one could not either.
    """
    reports = []
    drivers: list[CountingDriver] = []

    def arrange(driver: LoadDriver, equipment: Equipment) -> tuple[LoadDriver, Equipment]:
        drivers.append(CountingDriver(driver))
        return drivers[-1], equipment

    for number in range(runs):
        measure = dataclasses.replace(endpoint.measure, seed=endpoint.measure.seed + number)
        seeded = dataclasses.replace(endpoint, measure=measure)
        report = session.examine(seeded, arrange=arrange, item_id=item_id, listen=_numbered(listen, number + 1, runs))
        session.refresh_after(report)
        reports.append(report)
        if report.outcome is Outcome.ERROR:
            break
    busy_s = sum(driver.busy_s for driver in drivers)
    rate = sum(driver.sent for driver in drivers) / busy_s if busy_s > 0 else 0.0
    return calibrate(reports, endpoint.measure, rate=rate)


def _numbered(listen: ProgressListener, number: int, runs: int) -> Callable[[Progress], None]:
    """Return a listener that says which of the runs this is."""
    return lambda progress: listen(dataclasses.replace(progress, stage=f"run {number}/{runs}, {progress.stage}"))
