"""The negative control: known growth, planted between the service and the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver, LoadJob, Source
from pytest_goleak.model.report import EndpointReport, Outcome

__all__ = ["CountingDriver", "Plant", "PlantedSource", "shortfall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Growth per request to plant; the defaults are twice the default tolerance, or less."""

    bytes: float = 256.0
    objects: float = 0.2
    goroutines: float = 0.02


class CountingDriver:
    """A driver that knows how many requests it has sent."""

    def __init__(self, driver: LoadDriver) -> None:
        self.name = driver.name
        self.sent = 0
        self._driver = driver

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why the driver can't drive *endpoint*, or ``None`` if it can."""
        return self._driver.unsupported(endpoint)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Send the job's requests, and count them."""
        result = self._driver.run(job, on_progress)
        self.sent += result.completed
        return result


class PlantedSource:
    """A source that reports more than there is: *plant* for every request that *driver* has sent."""

    def __init__(self, source: Source, driver: CountingDriver, plant: Plant) -> None:
        self._source = source
        self._driver = driver
        self._plant = plant

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the service's levels with the planted growth added."""
        observation = self._source.observe(collections=collections)
        sent = self._driver.sent
        return replace(
            observation,
            heap_bytes=observation.heap_bytes + round(self._plant.bytes * sent),
            heap_objects=observation.heap_objects + round(self._plant.objects * sent),
            goroutines=observation.goroutines + round(self._plant.goroutines * sent),
        )

    def proven_leaks(self) -> int | None:
        """Return ``None``: what is planted can't be proven by the service's runtime."""
        return None


def shortfall(report: EndpointReport, plant: Plant) -> str | None:
    """Return what is wrong with the judge if *report* is not what *plant* must give, ``None`` if all is well."""
    if plant.bytes == 0:
        if report.outcome is Outcome.CLEAN:
            return None
        return (
            f"selftest: nothing was planted, and {report.name} is {report.outcome}: {report.reason}. Put an endpoint "
            f"that is known to be clean, such as a health check, first in the configuration."
        )
    found = {signal for signal, estimate in report.signals.items() if estimate.outcome is Outcome.LEAK}
    missed = [signal.value for signal in Signal if signal not in found]
    if not missed:
        return None
    return (
        f"selftest: {plant.bytes:g} B, {plant.objects:g} objects and {plant.goroutines:g} goroutines per request were "
        f"planted, and {', '.join(missed)} were not found: {report.outcome}, {report.reason}. Passes of this run prove "
        f"nothing; see docs/explanation/verdict.md."
    )
