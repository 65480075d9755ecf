"""Places in a Go program, as profiles name them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Frame", "MemStats", "Site", "SiteGrowth"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack, innermost call first where frames form a stack."""

    function: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.function} {self.file}:{self.line}" if self.file else self.function


@dataclass(frozen=True, slots=True)
class Site:
    """A place that holds memory or goroutines: everything with this stack (and labels)."""

    kind: str
    """``heap`` or ``goroutine``."""
    stack: tuple[Frame, ...]
    """The frames, leaf first."""
    labels: tuple[tuple[str, str], ...] = ()
    """pprof labels set by the service, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGrowth:
    """How much one site grew between two profiles."""

    site: Site
    objects: float
    """Objects or goroutines gained."""
    bytes: float = 0.0
    """Bytes gained; 0 for goroutines."""
    objects_error: float = 0.0
    """Standard error of *objects* from heap sampling; 0 where the profile is exact."""
    bytes_error: float = 0.0
    """Standard error of *bytes* from heap sampling."""
    state: str | None = None
    """What the goroutines wait for, in the words of a Go stack dump: ``chan send``, ``select`` …"""
    created_by: Frame | None = None
    """The ``go`` statement that started the goroutines, where known."""
    proven: bool = False
    """The runtime's ``goroutineleak`` profile lists these goroutines: nothing can ever wake them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemStats:
    """The exact counters in the trailer of ``heap?debug=1``; field meanings as in Go's ``runtime.MemStats``."""

    heap_alloc: int
    heap_objects: int
    total_alloc: int
    num_gc: int
    sys: int = 0
    heap_inuse: int = 0
    heap_sys: int = 0
    extra: dict[str, int] = field(default_factory=dict)
