"""The levels of a Go service, read from its pprof endpoints."""

from __future__ import annotations

from pytest_goleak.check.reading import fetch, read
from pytest_goleak.model.errors import FetchError
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.profile import MemStats
from pytest_goleak.model.protocols import Clock, Fetcher
from pytest_goleak.pprof.group import goroutine_counts
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.text import parse_memstats

__all__ = ["PprofSource"]

MORE_COLLECTIONS = 3
"""Collections beyond those asked for, while each still frees something."""

VERY_SLOW_COLLECTION_S = 0.6
"""Where one collection takes longer, what a second one would free is not worth the time that it takes."""


class PprofSource:
    """Reads exact counters: heap from the MemStats trailer after a collection, goroutines from their profile.

    Sampled heap values are never used here; they only serve to attribute.
    """

    def __init__(self, fetcher: Fetcher, clock: Clock, *, profiles: tuple[str, ...]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._proves = "goroutineleak" in profiles

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the levels after *collections* forced garbage collections, and a few more while they free something.

        ``sync.Pool`` survives one collection; finalizers and clean-ups need one more per link.
        """
        started = self._clock.now()
        is_falling = False
        memstats = self._collect()
        collection_s = self._clock.now() - started
        if collection_s > VERY_SLOW_COLLECTION_S:
            collections = 1
        for collection in range(2, collections + MORE_COLLECTIONS + 1):
            if collection > collections and not is_falling:
                break
            earlier, memstats = memstats, self._collect()
            is_falling = _fell(earlier, memstats)
        # Goroutines come after the heap, since those that a finalizer stops end only with its collection.
        goroutines = goroutine_counts(read(fetch(self._fetcher, "goroutine"), parse))
        now = self._clock.now()
        return Observation(
            at_s=now,
            heap_bytes=memstats.heap_alloc,
            heap_objects=memstats.heap_objects,
            goroutines=sum(goroutines.values()),
            total_alloc=memstats.total_alloc,
            num_gc=memstats.num_gc,
            cost_s=now - started,
            collection_s=collection_s,
            is_falling=is_falling,
            sites=goroutines,
        )

    def _collect(self) -> MemStats:
        return read(fetch(self._fetcher, "heap", gc=1, debug=1), parse_memstats)

    def proven_leaks(self) -> int | None:
        """Return how many goroutines the runtime proves leaked, ``None`` where it does not offer the profile."""
        if not self._proves:
            return None
        try:
            return sum(goroutine_counts(read(fetch(self._fetcher, "goroutineleak"), parse)).values())
        except FetchError:
            # Listed but not served: an experiment of the runtime that this build was made without.
            self._proves = False
            return None


def _fell(before: MemStats, after: MemStats) -> bool:
    """Whether a collection freed more than the runtime's own noise between two looks."""
    return before.heap_objects - after.heap_objects > max(
        16, before.heap_objects // 5000
    ) or before.heap_alloc - after.heap_alloc > max(4096, before.heap_alloc // 2000)
