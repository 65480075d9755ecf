"""Known growth, planted in the figures between the service and the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_goleak.model.observation import LoadResult, Observation
from pytest_goleak.model.plan import Endpoint, Tolerance
from pytest_goleak.model.protocols import LoadDriver, LoadJob, Source

__all__ = ["CountingDriver", "Plant", "PlantedSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """Growth per request to plant."""

    bytes: float = 0.0
    objects: float = 0.0
    goroutines: float = 0.0

    @classmethod
    def beyond(cls, tolerance: Tolerance) -> Plant:
        """Return twice what *tolerance* allows: growth that every run must find."""
        return cls(bytes=2 * tolerance.bytes, objects=2 * tolerance.objects, goroutines=2 * tolerance.goroutines)


class CountingDriver:
    """A driver that knows how many requests it has sent, and how long that took."""

    def __init__(self, driver: LoadDriver) -> None:
        self.name = driver.name
        self.sent = 0
        self.busy_s = 0.0
        self._driver = driver

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why the driver can't drive *endpoint*, or ``None`` if it can."""
        return self._driver.unsupported(endpoint)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Send the job's requests, and count them."""
        result = self._driver.run(job, on_progress)
        self.sent += result.completed
        self.busy_s += result.duration_s
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
