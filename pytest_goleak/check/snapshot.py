"""The profiles kept at a moment, and what grew between two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_goleak.check.reading import fetch, read
from pytest_goleak.model.errors import FetchError, MalformedProfileError
from pytest_goleak.model.observation import Capture
from pytest_goleak.model.profile import SiteGrowth
from pytest_goleak.model.protocols import Fetcher
from pytest_goleak.pprof.combine import diff
from pytest_goleak.pprof.dump import parse_dump
from pytest_goleak.pprof.encode import encode
from pytest_goleak.pprof.goroutine import GoroutineDetails, explain, goroutine_details
from pytest_goleak.pprof.group import goroutine_counts, growth
from pytest_goleak.pprof.parse import parse

__all__ = ["Snapshot", "goroutine_growth", "heap_diff", "heap_growth", "take"]

MAX_DUMPED_GOROUTINES = 20_000
"""A full dump (``debug=2``) stops the world for as long as it is written; beyond this, creators stay unnamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Profiles of one moment, as the service sent them."""

    heap: Capture
    goroutine: Capture
    goroutineleak: Capture | None = None


def take(fetcher: Fetcher, *, proves: bool) -> Snapshot:
    """Capture heap (after a collection), goroutines and, where *proves*, the proven leaks."""
    # The heap profile shows what the last but one collection found: with the one of the look before, it is current.
    return Snapshot(
        heap=fetch(fetcher, "heap", gc=1),
        goroutine=fetch(fetcher, "goroutine"),
        goroutineleak=fetch(fetcher, "goroutineleak") if proves else None,
    )


def heap_growth(before: Snapshot, after: Snapshot) -> list[SiteGrowth]:
    """Return the heap sites that grew, with their sampling errors."""
    return growth(read(before.heap, parse), read(after.heap, parse), kind="heap")


def heap_diff(before: Snapshot, after: Snapshot) -> bytes:
    """Return *after* less *before* as a profile that ``go tool pprof`` opens."""
    return encode(diff(read(before.heap, parse), read(after.heap, parse)))


def goroutine_growth(before: Snapshot, after: Snapshot, fetcher: Fetcher) -> list[SiteGrowth]:
    """Return the goroutine sites that grew, with what they wait for, their creators, and which are proven leaked."""
    later = read(after.goroutine, parse)
    grown = [each for each in growth(read(before.goroutine, parse), later, kind="goroutine") if each.objects > 0]
    if not grown:
        return []
    if later.values.sum() <= MAX_DUMPED_GOROUTINES:
        grown = explain(grown, _details(fetcher))
    proven = goroutine_counts(read(after.goroutineleak, parse)) if after.goroutineleak else {}
    return [replace(each, proven=proven.get(each.site, 0) >= 0.9 * each.objects) for each in grown]


def _details(fetcher: Fetcher) -> GoroutineDetails:
    """Return states and creators; a service that does not give its dump leaves them unnamed."""
    try:
        return goroutine_details(parse_dump(fetcher.fetch("goroutine", debug=2).content))
    except (FetchError, MalformedProfileError):
        return GoroutineDetails()
