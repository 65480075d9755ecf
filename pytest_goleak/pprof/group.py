"""From samples to sites: who holds how much, and how much more than before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pytest_goleak.model.profile import Frame, Site, SiteGrowth
from pytest_goleak.pprof.combine import pair
from pytest_goleak.pprof.goroutine import is_own_request, state_of
from pytest_goleak.pprof.origin import is_runtime, own_frame
from pytest_goleak.pprof.profile import Profile
from pytest_goleak.pprof.ragged import IntArray, Ragged, intern_rows, join, repack

__all__ = ["Grouping", "SiteLevel", "goroutine_counts", "growth", "sites"]

_FloatArray: TypeAlias = npt.NDArray[np.float64]


class Grouping(StrEnum):
    """What makes two samples belong to one site."""

    STACK = "stack"
    """The same stack, line by line, and the same text labels."""
    FUNCTION = "function"
    """The same innermost function outside the standard library."""
    TOP_FUNCTION = "top_function"
    """The same innermost function outside the Go runtime, as a stack dump shows it on top."""
    CREATED_BY = "created_by"
    """The same root: for goroutines the function that the ``go`` statement called."""
    LABEL = "label"
    """The same text labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLevel:
    """How much one site holds at one moment."""

    objects: int = 0
    """Objects or goroutines."""
    bytes: int = 0
    """0 for goroutines."""
    objects_error: float = 0.0
    """Standard error of *objects* from heap sampling; 0 where the profile is exact."""
    bytes_error: float = 0.0
    """Standard error of *bytes* from heap sampling."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gains:
    """What each sample gained; arrays with one entry per sample."""

    objects: _FloatArray
    bytes: _FloatArray
    objects_variance: _FloatArray
    bytes_variance: _FloatArray


def growth(before: Profile, after: Profile, *, kind: str, by: Grouping = Grouping.STACK) -> list[SiteGrowth]:
    """Return how much every site gained (or lost: negative) from *before* to *after*, the largest gain first.

    Sites that did not change, and those of our own profile requests, are left out.

    Args:
        before: The earlier profile.
        after: The later one, of the same process.
        kind: ``heap`` (``inuse_objects`` and ``inuse_space`` count) or ``goroutine``.
        by: What makes a site. For all but whole stacks, the site's stack is cut down to the one frame (or none).

    Raises:
        MalformedProfileError: the profiles are not of that kind.

    """
    # The state of a goroutine can be told from whole stacks only.
    is_waiting = kind != "heap" and by is Grouping.STACK
    found = [
        SiteGrowth(
            site=site,
            objects=objects,
            bytes=size,
            objects_error=objects_variance**0.5,
            bytes_error=bytes_variance**0.5,
            state=state_of(site) if is_waiting else None,
        )
        for site, (objects, size, objects_variance, bytes_variance) in _gains_by_site(
            before, after, kind, by, skip_own=True
        ).items()
        if objects or size
    ]
    return sorted(found, key=lambda each: (-each.bytes, -each.objects, [frame.function for frame in each.site.stack]))


def sites(profile: Profile, *, kind: str, by: Grouping = Grouping.STACK) -> dict[Site, SiteLevel]:
    """Return what every site holds; for *kind* and *by* see :func:`growth`.

    Raises:
        MalformedProfileError: *profile* is not of that kind.

    """
    nothing = profile.take(np.zeros(0, dtype=np.int64))
    return {
        site: SiteLevel(
            objects=round(objects),
            bytes=round(size),
            objects_error=objects_variance**0.5,
            bytes_error=bytes_variance**0.5,
        )
        for site, (objects, size, objects_variance, bytes_variance) in _gains_by_site(
            nothing, profile, kind, by, skip_own=False
        ).items()
    }


def goroutine_counts(profile: Profile) -> dict[Site, int]:
    """Return the goroutines of every site but those that serve our own profile requests.

    Raises:
        MalformedProfileError: *profile* is not one of goroutines.

    """
    levels = sites(profile, kind="goroutine")
    return {site: level.objects for site, level in levels.items() if not is_own_request(site)}


def _gains_by_site(
    before: Profile, after: Profile, kind: str, by: Grouping, *, skip_own: bool
) -> dict[Site, list[float]]:
    """Return per site the sums of the four figures of :class:`_Gains`, in that order."""
    both = pair(before, after)
    gains = _heap_gains(both, after) if kind == "heap" else _counted_gains(both, after, kind)
    contents, first = _distinct_stacks(both)
    figures = (gains.objects, gains.bytes, gains.objects_variance, gains.bytes_variance)
    sums = np.stack([np.bincount(contents, weights=figure, minlength=len(first)) for figure in figures], axis=1)
    frames = both.frames()
    totals: dict[Site, list[float]] = {}
    for sample, row in zip(first.tolist(), sums.tolist(), strict=True):
        stack = tuple(frame for location in both.stacks.row(sample).tolist() for frame in frames[location])
        whole = Site(kind, stack, both.labels.text_of(sample))
        if skip_own and is_own_request(whole):
            continue
        # Several addresses may stand for one line, and several stacks for one function.
        known = totals.setdefault(_reduce(whole, by), [0.0] * len(figures))
        known[:] = map(sum, zip(known, row, strict=True))
    return totals


def _distinct_stacks(profile: Profile) -> tuple[IntArray, IntArray]:
    """Number the distinct pairs of stack and text labels, as :func:`intern_rows` does."""
    labels = profile.labels
    texts = np.flatnonzero(labels.strings)
    if not len(texts):
        return intern_rows(profile.stacks)
    samples = labels.keys.row_of_items()[texts]
    order = np.lexsort((labels.strings[texts], labels.keys.items[texts], samples))
    pairs = repack([-1 - labels.keys.items[texts][order], labels.strings[texts][order]])
    return intern_rows(
        join([profile.stacks, Ragged.from_lengths(np.bincount(samples, minlength=len(profile)) * 2, pairs)])
    )


def _counted_gains(both: Profile, after: Profile, kind: str) -> _Gains:
    names = [value_type.type for value_type in after.value_types]
    column = after.value_index("goroutineleak" if kind == "goroutine" and "goroutineleak" in names else kind)
    gained = (both.values[:, len(names) + column] - both.values[:, column]).astype(np.float64)
    nothing = np.zeros(len(both))
    return _Gains(gained, nothing, nothing, nothing)


def _heap_gains(both: Profile, after: Profile) -> _Gains:
    """Return what each sample gained, with the variance that comes from sampling.

    Go keeps an allocation of *size* bytes with probability p = 1 - exp(-size / rate) and reports counts divided
    by p. A count of m kept ones so has the binomial variance m (1 - p) / p², which is 0 at rate 1.

    For the difference of two profiles of one process, not every sample counts: an object that is in both is kept
    in both or in neither. What can differ by chance is what was allocated in between and is still there, and what
    was there before and has been freed; the allocation counters bound the two.
    """
    width = len(after.value_types)
    objects, space, allocated = (after.value_index(name) for name in ("inuse_objects", "inuse_space", "alloc_objects"))
    earlier = both.values[:, :width].astype(np.float64)
    later = both.values[:, width:].astype(np.float64)
    size = _object_sizes(both, earlier[:, [objects, space]] + later[:, [objects, space]])
    keeps = -np.expm1(-size / after.period) if after.period > 1 else np.ones(len(both))
    keeps = np.where(keeps > 0, keeps, 1.0)
    new = np.maximum(later[:, allocated] - earlier[:, allocated], 0)
    gained = later[:, objects] - earlier[:, objects]
    freed = np.maximum(new - gained, 0)
    doubtful = np.minimum(later[:, objects], new) + np.minimum(earlier[:, objects], freed)
    # The counts are scaled up: m is doubtful * p.
    variance = doubtful * (1 - keeps) / keeps
    return _Gains(gained, later[:, space] - earlier[:, space], variance, variance * size**2)


def _object_sizes(profile: Profile, objects_and_bytes: _FloatArray) -> _FloatArray:
    """Return the size of the objects of each sample: its label, or else the mean."""
    sizes = profile.labels.numbers_named("bytes").astype(np.float64)
    objects, size = objects_and_bytes.T
    means = np.divide(size, objects, out=np.zeros(len(profile)), where=objects > 0)
    return np.where(sizes > 0, sizes, means)


def _reduce(site: Site, by: Grouping) -> Site:
    match by:
        case Grouping.STACK:
            return site
        case Grouping.LABEL:
            return Site(site.kind, (), site.labels)
        case Grouping.FUNCTION:
            frame = own_frame(site.stack)
        case Grouping.TOP_FUNCTION:
            frame = next((frame for frame in site.stack if not is_runtime(frame)), None)
        case Grouping.CREATED_BY:
            frame = site.stack[-1] if site.stack else None
    chosen = frame or (site.stack[0] if site.stack else Frame("<unknown>"))
    return Site(site.kind, (Frame(chosen.function, chosen.file),))
