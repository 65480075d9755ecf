"""The levels of a Go service, read from its pprof endpoints."""

from __future__ import annotations

from pytest_goleak.check.reading import fetch, read
from pytest_goleak.model.errors import FetchError
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.protocols import Clock, Fetcher
from pytest_goleak.pprof.goroutine import count_goroutines
from pytest_goleak.pprof.group import goroutine_counts
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.text import parse_memstats

__all__ = ["PprofSource"]

VERY_SLOW_COLLECTION_S = 0.6
"""Where a collection took longer, what a second one would free is not worth the time that it takes."""


class PprofSource:
    """Reads exact counters: heap from the MemStats trailer after a collection, goroutines from their profile.

    Sampled heap values are never used here; they only serve to attribute.
    """

    def __init__(self, fetcher: Fetcher, clock: Clock, *, profiles: tuple[str, ...]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._proves = "goroutineleak" in profiles
        self._collection_s = 0.0

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the levels after *collections* forced garbage collections, or one where these are very slow.

        Only the last one is read: most of the time of a reading goes into the text of its profile.
        """
        started = self._clock.now()
        if self._collection_s > VERY_SLOW_COLLECTION_S:
            collections = 1
        for _ in range(collections - 1):
            fetch(self._fetcher, "heap", gc=1)
        began_s = self._clock.now()
        memstats = read(fetch(self._fetcher, "heap", gc=1, debug=1), parse_memstats)
        self._collection_s = self._clock.now() - began_s
        # Goroutines come after the heap, since those that a finalizer stops end only with its collection.
        goroutines = read(fetch(self._fetcher, "goroutine", debug=1), count_goroutines)
        now = self._clock.now()
        return Observation(
            at_s=now,
            heap_bytes=memstats.heap_alloc,
            heap_objects=memstats.heap_objects,
            goroutines=goroutines,
            total_alloc=memstats.total_alloc,
            num_gc=memstats.num_gc,
            cost_s=now - started,
        )

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
