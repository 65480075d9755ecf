"""Who opened what a library's goroutine serves: the user's call, found by the memory that leaked with it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_goleak.findings.blame import library_of, package_of, user_frames
from pytest_goleak.findings.cluster import Cluster
from pytest_goleak.model.profile import Frame, SiteGrowth

__all__ = ["Opener", "find_opener"]

_OBJECTS_PER_UNIT = 0.5
_SIGMAS = 2.0
# Goroutines of servers: who opened the connection is another program, or another finding.
_SERVES = frozenset({"net/http.(*conn).serve", "net/http.(*http2serverConn).serve"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """The user's frame that opened it, and what it called to do so."""

    frame: Frame
    callees: tuple[str, ...]
    """From the user's frame inwards."""


def find_opener(cluster: Cluster, heap: Iterable[SiteGrowth]) -> Opener | None:
    """Return the user's frame that calls *cluster*'s library and keeps about one object or more per goroutine.

    Only memory that the library itself allocated for the user's call counts, so a leak of another kind in the same
    service is not taken for the opener.
    """
    if cluster.frame.function in _SERVES:
        return None
    library = cluster.library
    by_frame: dict[Frame, list[tuple[SiteGrowth, tuple[Frame, ...]]]] = defaultdict(list)
    for growth in heap:
        found = user_frames(growth.site.stack)
        if found:
            inner = growth.site.stack[: found[0]]
            if any(_belongs(frame, library) for frame in inner):
                by_frame[growth.site.stack[found[0]]].append((growth, inner))
    candidates = [
        (math.fsum(growth.bytes for growth, _ in sites), frame, sites)
        for frame, sites in by_frame.items()
        if _is_enough([growth for growth, _ in sites], cluster.units)
    ]
    if not candidates:
        return None
    _, frame, sites = max(candidates, key=lambda candidate: (candidate[0], str(candidate[1])))
    inner = max(sites, key=lambda site: site[0].bytes)[1]
    return Opener(frame=frame, callees=tuple(callee.function for callee in reversed(inner)))


def _belongs(frame: Frame, library: str) -> bool:
    return library_of(frame) == library or package_of(frame.function).startswith(f"{library}/")


def _is_enough(sites: Sequence[SiteGrowth], units: float) -> bool:
    objects = math.fsum(site.objects for site in sites)
    error = math.hypot(*(site.objects_error for site in sites))
    return objects >= _OBJECTS_PER_UNIT * units and objects >= _SIGMAS * error
