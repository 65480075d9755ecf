"""The levels of a Go service, read from its pprof endpoints."""

from __future__ import annotations

from pytest_goleak.model.errors import FetchError
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.profile import Site
from pytest_goleak.model.protocols import Clock, Fetcher
from pytest_goleak.pprof.group import goroutine_counts
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.text import parse_memstats

__all__ = ["PprofSource"]


class PprofSource:
    """Reads exact counters: heap from the MemStats trailer after a collection, goroutines from their profile.

    Sampled heap values are never used here; they only serve to attribute.
    """

    def __init__(self, fetcher: Fetcher, clock: Clock, *, profiles: tuple[str, ...]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._proves = "goroutineleak" in profiles

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the levels after *collections* forced garbage collections."""
        started = self._clock.now()
        # Each gc=1 is one collection; only the last answer's counters are read. Goroutines come after it, since
        # those that a finalizer stops end only then.
        for _ in range(collections - 1):
            self._fetcher.fetch("heap", gc=1, debug=1)
        memstats = parse_memstats(self._fetcher.fetch("heap", gc=1, debug=1).content)
        goroutines = self._goroutine_sites("goroutine")
        now = self._clock.now()
        return Observation(
            at_s=now,
            heap_bytes=memstats.heap_alloc,
            heap_objects=memstats.heap_objects,
            goroutines=sum(goroutines.values()),
            total_alloc=memstats.total_alloc,
            num_gc=memstats.num_gc,
            cost_s=now - started,
            sites=goroutines,
        )

    def proven_leaks(self) -> int | None:
        """Return how many goroutines the runtime proves leaked, ``None`` where it does not offer the profile."""
        if not self._proves:
            return None
        try:
            return sum(self._goroutine_sites("goroutineleak").values())
        except FetchError:
            # Listed but not served: an experiment of the runtime that this build was made without.
            self._proves = False
            return None

    def _goroutine_sites(self, kind: str) -> dict[Site, int]:
        return goroutine_counts(parse(self._fetcher.fetch(kind).content))
