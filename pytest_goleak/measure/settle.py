"""Levels that mean something: read after garbage collections, once nothing falls any more."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

from pytest_goleak.model.errors import TargetRestartedError
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.protocols import Clock, Source

__all__ = ["check_same_process", "settle", "settle_noisy"]

LOOK_INTERVAL_S = 0.02
"""Pause between two looks at a noisy service."""

PATIENCE_S = 1.0
"""Longest time for one settling; what falls for longer is the drain's business."""

SLOW_COLLECTION_S = 0.3
"""Observations that cost more than this are not repeated: such a heap is large, and its own noise larger."""


def settle(source: Source, clock: Clock) -> Observation:
    """Return the levels after two collections, and further ones while anything falls.

    ``sync.Pool`` survives one collection, finalizers and clean-ups need one more per link, and connections that we
    closed end within milliseconds on the other side: all of that shows as a fall from one look to the next.
    """
    deadline = clock.now() + PATIENCE_S
    last = source.observe(collections=1)
    while True:
        again = source.observe(collections=1)
        if not _fell(last, again) or again.cost_s > SLOW_COLLECTION_S or clock.now() > deadline:
            return again
        last = again
        clock.sleep(0.005)


def settle_noisy(source: Source, clock: Clock, *, looks: int) -> Observation:
    """Return the mean levels of several looks at a service whose levels never rest."""
    seen = [settle(source, clock)]
    while len(seen) < looks:
        clock.sleep(LOOK_INTERVAL_S)
        seen.append(source.observe(collections=1))
    return replace(
        seen[-1],
        heap_bytes=round(fmean(look.heap_bytes for look in seen)),
        heap_objects=round(fmean(look.heap_objects for look in seen)),
        goroutines=round(fmean(look.goroutines for look in seen)),
    )


def _fell(before: Observation, after: Observation) -> bool:
    """Whether a level went down by more than the runtime's own noise between two looks."""
    return (
        before.goroutines > after.goroutines
        or before.heap_objects - after.heap_objects > max(16, before.heap_objects // 5000)
        or before.heap_bytes - after.heap_bytes > max(4096, before.heap_bytes // 2000)
    )


def check_same_process(before: Observation, after: Observation) -> None:
    """Raise if a counter that never falls within one process fell.

    Raises:
        TargetRestartedError: the service restarted, or a load balancer sent us to another replica.

    """
    for name, was, is_now in (
        ("TotalAlloc", before.total_alloc, after.total_alloc),
        ("NumGC", before.num_gc, after.num_gc),
    ):
        if is_now < was:
            raise TargetRestartedError(
                f"{name} fell from {was:,} to {is_now:,}, which no process ever does: the service restarted, or "
                f"several replicas answer at this URL. Point goleak at one single process, and see its log for a crash."
            )
