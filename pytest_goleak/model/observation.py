"""What is measured: the level of each signal at a moment, with identical load barriers around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Capture", "LoadResult", "Observation", "Signal"]


HTTP_FAILURE = 400
"""Lowest status that says a request failed."""

MAX_UNEXPECTED_SHARE = 0.05
"""Share of unexpected answers above which a dose did not exercise what it was meant to."""


class Signal(StrEnum):
    """A quantity that must return to its baseline; the values are the keys of the JSON report."""

    HEAP_BYTES = "heap_bytes"
    HEAP_OBJECTS = "heap_objects"
    GOROUTINES = "goroutines"

    @property
    def unit(self) -> str:
        """The word that follows a figure of this signal."""
        return {"heap_bytes": "B", "heap_objects": "objects", "goroutines": "goroutines"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Levels read after a forced garbage collection, while no request of ours is under way."""

    at_s: float
    """Seconds on the experiment's clock."""
    heap_bytes: int
    heap_objects: int
    goroutines: int
    """All goroutines but those that serve our own profile requests."""
    total_alloc: int
    """Bytes ever allocated: never falls in one process."""
    num_gc: int
    """Collections ever completed: never falls in one process."""
    cost_s: float = 0.0
    """How long the service took to produce this observation."""
    is_falling: bool = False
    """Whether the last collection still freed something: then it is too early to read levels."""

    def level(self, signal: Signal) -> int:
        """Return the level of *signal*, in its unit."""
        match signal:
            case Signal.HEAP_BYTES:
                return self.heap_bytes
            case Signal.HEAP_OBJECTS:
                return self.heap_objects
            case Signal.GOROUTINES:
                return self.goroutines


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The bytes of one profile as the service sent them."""

    kind: str
    """The profile's name in the URL: ``heap``, ``goroutine``, ``goroutineleak`` …"""
    url: str
    """Where it came from, without any secret."""
    content: bytes
    duration_s: float = 0.0
    """How long the request took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load driver did between two barriers."""

    planned: int
    """Requests asked for."""
    completed: int
    """Requests that got an answer (or ended as the endpoint's mode intends)."""
    unexpected: int = 0
    """Answers whose status was not expected."""
    status_codes: Mapping[int, int] = field(default_factory=dict)
    """Answers by status."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Transport errors by text."""
    duration_s: float = 0.0
    latency_s: float = 0.0
    """Mean time to answer one request, 0 where the driver cannot tell."""
    connections: int | None = None
    """Connections that were opened, ``None`` where the driver cannot tell."""

    @property
    def is_as_expected(self) -> bool:
        """Whether the answers are those that the test is about, all but a few."""
        return self.unexpected <= MAX_UNEXPECTED_SHARE * self.completed

    @property
    def failures(self) -> int:
        """Answers with a status that says the request failed: 400 or more."""
        return sum(count for status, count in self.status_codes.items() if status >= HTTP_FAILURE)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.completed / self.duration_s if self.duration_s > 0 else 0.0
