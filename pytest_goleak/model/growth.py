"""What growth looks like over time and load: its class, and the series of levels behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_goleak.model.observation import Observation, Signal

__all__ = ["GrowthClass", "Point"]


class GrowthClass(StrEnum):
    """The kind of growth that an endpoint showed; the values are those of the JSON report."""

    FLAT = "flat"
    """Nothing grew."""
    PER_REQUEST = "per_request"
    """A leak: linear in the requests."""
    PER_CONNECTION = "per_connection"
    """A leak: as much for each client connection, however many requests it carries."""
    PER_KEY = "per_key"
    """A leak: as much for each distinct request; the same request again adds nothing."""
    PER_ERROR = "per_error"
    """A leak: as much for each answer with a status of 400 or more."""
    BACKGROUND = "background_drift"
    """Growth with time, be there requests or not."""
    DRAIN = "slow_drain"
    """Growth that goes away by itself once there is no load."""
    FILL = "bounded_fill"
    """Growth that stopped after some number of requests: a cache that filled."""
    STEP = "step"
    """Growth at one single moment: something that is made once."""
    STILL_GROWING = "still_growing"
    """Growth that had neither stopped nor been proven a leak when the budget ended."""
    UNCLEAR = "unclear"
    """No growth that could be told from the noise, and none that could be excluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The levels at one moment of an experiment."""

    at_s: float
    """Seconds since its first observation."""
    requests: int
    """Requests answered until then, warm-up included."""
    heap_bytes: int
    heap_objects: int
    goroutines: int

    @classmethod
    def of(cls, observation: Observation, *, requests: int, began_s: float) -> Point:
        """Return the levels of *observation*, *began_s* being the time of the experiment's first one."""
        return cls(
            at_s=observation.at_s - began_s,
            requests=requests,
            heap_bytes=observation.heap_bytes,
            heap_objects=observation.heap_objects,
            goroutines=observation.goroutines,
        )

    def level(self, signal: Signal) -> int:
        """Return the level of *signal*, in its unit."""
        level: int = getattr(self, signal.value)
        return level
