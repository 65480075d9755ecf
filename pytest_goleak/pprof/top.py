"""Values per function, as ``go tool pprof -top`` computes and prints them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from pytest_goleak.pprof.measurement import common_unit, label, percentage
from pytest_goleak.pprof.profile import Profile, ValueType
from pytest_goleak.pprof.ragged import BoolArray, IntArray, Ragged

__all__ = ["Top", "TopRow", "render_top", "top"]

NODE_FRACTION = 0.005
"""Functions whose cumulative value is below this share of the sum are dropped."""
EDGE_FRACTION = 0.001
"""Calls below this share don't count when a function is called inlined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopRow:
    """One function."""

    function: str
    flat: int
    """Value of the samples whose leaf it is."""
    cum: int
    """Value of the samples it is in; recursion counts once."""
    inlined: str = ""
    """``inline`` or ``partial-inline`` where the compiler put (some of) its calls into the callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The functions of a profile, largest first, without those that hardly matter."""

    rows: tuple[TopRow, ...]
    value_type: ValueType
    total: int
    """Sum of the absolute values of all samples: what percentages refer to."""
    dropped: int = 0
    """Functions left out because of their small cumulative value."""
    cutoff: int = 0
    """The cumulative value below which functions are left out."""
    header: tuple[str, ...] = ()
    """What is known of the profile, one ``Key: value`` a line."""
    duration_nanos: int = 0
    """How long the profile was taken, 0 for one that shows a moment."""


@dataclass(frozen=True, slots=True, eq=False)
class _Calls:
    """The frames of all samples that have a value, root first, as numbers of nodes (functions)."""

    names: tuple[str, ...]
    nodes: IntArray
    samples: IntArray
    """Parallel to :attr:`nodes`: the number of the sample, its row in :attr:`weights`."""
    inlined: BoolArray
    """Parallel to :attr:`nodes`: whether the compiler put this frame into the one before."""
    weights: IntArray
    """Per sample, its value."""


def top(
    profile: Profile,
    *,
    value: str | None = None,
    cum: bool = False,
    node_fraction: float = NODE_FRACTION,
    total: int | None = None,
) -> Top:
    """Return the functions of *profile* by value.

    Args:
        profile: What to sum up; a diff is fine.
        value: Name of the value type; by default the one the profile prefers.
        cum: Order by cumulative instead of flat value; both by size, whatever the sign.
        node_fraction: Share of the sum that a function's cumulative value must reach to be listed.
        total: What percentages refer to, where *profile* was cut down by focus or ignore.

    Raises:
        MalformedProfileError: the profile has no values of that type.

    """
    column = profile.column(value)
    calls = _expand(profile, column)
    flat, cumulative = _sums(calls)
    reference = int(flat.sum())
    cutoff = int(abs(reference * node_fraction))
    known = (flat != 0) | (cumulative != 0)
    kept = known & (np.abs(cumulative) >= cutoff)
    inlined = _inlined(calls, kept, edge_cutoff=int(abs(reference * EDGE_FRACTION)))
    rows = [
        TopRow(function=calls.names[node], flat=int(flat[node]), cum=int(cumulative[node]), inlined=inlined[node])
        for node in np.flatnonzero(kept).tolist()
    ]
    first, second = ("cum", "flat") if cum else ("flat", "cum")
    rows.sort(key=lambda row: (-abs(getattr(row, first)), row.function, -abs(getattr(row, second))))
    value_type = profile.value_types[profile.value_index(value)]
    whole = int(np.abs(column).sum()) if total is None else total
    return Top(
        rows=tuple(rows),
        value_type=value_type,
        total=whole,
        dropped=int(known.sum() - kept.sum()),
        cutoff=int(abs(whole * node_fraction)),
        header=tuple(_header(profile, value_type)),
        duration_nanos=profile.duration_nanos,
    )


def render_top(result: Top, *, limit: int | None = None) -> str:
    """Return *result* as the table that ``go tool pprof -top`` prints, cut after *limit* rows."""
    rows = result.rows[:limit]
    unit = result.value_type.unit
    smallest = min((abs(row.flat) or abs(row.cum) for row in rows if row.flat or row.cum), default=0)
    shown_unit = common_unit(smallest, result.total, unit) if rows else "minimum"
    shown = sum(row.flat for row in rows)
    share, whole = percentage(shown, result.total).strip(), label(result.total, unit, shown_unit)
    lines = [
        *result.header,
        *_duration(result, shown_unit),
        f"Showing nodes accounting for {label(shown, unit, shown_unit)}, {share} of {whole} total",
    ]
    if result.dropped and result.total:
        noun = "node" if result.dropped == 1 else "nodes"
        lines.append(f"Dropped {result.dropped} {noun} (cum <= {label(result.cutoff, unit, shown_unit)})")
    if len(rows) < len(result.rows):
        lines.append(f"Showing top {len(rows)} nodes out of {len(result.rows)}")
    lines.append("      flat  flat%   sum%        cum   cum%")
    running = 0
    for row in rows:
        running += row.flat
        lines.append(
            f"{label(row.flat, unit, shown_unit):>10} {percentage(row.flat, result.total)} "
            f"{percentage(running, result.total)} {label(row.cum, unit, shown_unit):>10} "
            f"{percentage(row.cum, result.total)}  {row.function}" + (f" ({row.inlined})" if row.inlined else "")
        )
    return "\n".join(lines) + "\n"


def _duration(result: Top, shown_unit: str) -> list[str]:
    if not result.duration_nanos:
        return []
    duration = label(result.duration_nanos, "nanoseconds")
    total = label(result.total, result.value_type.unit, shown_unit)
    is_time = result.value_type.unit == "nanoseconds" and result.total
    share = f"({percentage(result.total, result.duration_nanos)})" if is_time else ""
    return [f"Duration: {duration}, Total samples = {total} {share}"]


def _header(profile: Profile, value_type: ValueType) -> list[str]:
    lines: list[str] = []
    if profile.mappings and profile.mappings[0].file:
        lines.append(f"File: {posixpath.basename(profile.mappings[0].file)}")
    if profile.mappings and profile.mappings[0].build_id:
        lines.append(f"Build ID: {profile.mappings[0].build_id}")
    lines += [comment for comment in profile.comments if not comment.startswith("#")]
    if value_type.type:
        lines.append(f"Type: {value_type.type}")
    if profile.doc_url:
        lines.append(f"Doc: {profile.doc_url}")
    if profile.time_nanos:
        started = datetime.fromtimestamp(profile.time_nanos // 10**9, tz=UTC).astimezone()
        lines.append(f"Time: {started:%Y-%m-%d %H:%M:%S %Z}")
    return lines


def _location_nodes(profile: Profile) -> tuple[tuple[str, ...], Ragged]:
    """Return the names of all nodes, and for every location the nodes of its frames, innermost first."""
    known: dict[str, int] = {}
    of_function = [
        known.setdefault(function.name, len(known)) if function.name else -1 for function in profile.functions
    ]
    of_mapping = [
        known.setdefault(f"[{posixpath.basename(mapping.file)}]" if mapping.file else "<unknown>", len(known))
        for mapping in profile.mappings
    ]
    # A location of no mapping has -1, the last entry.
    fallback = np.array([*of_mapping, known.setdefault("<unknown>", len(known))])[profile.locations.mappings]
    lines = profile.locations.lines
    lengths = np.maximum(lines.lengths, 1)
    nodes = Ragged.from_lengths(lengths, np.repeat(fallback, lengths))
    items = nodes.items.copy()
    named = np.array(of_function, dtype=np.int64)[lines.items]
    spots = nodes.positions(np.flatnonzero(lines.lengths))
    items[spots] = np.where(named < 0, items[spots], named)
    return tuple(known), Ragged(nodes.offsets, items)


def _expand(profile: Profile, column: IntArray) -> _Calls:
    rows = np.flatnonzero(column)
    names, nodes = _location_nodes(profile)
    stacks = profile.stacks.take(rows)
    # Root first: the stacks are turned round here, and the frames within a location below.
    locations = stacks.items[::-1]
    lengths = nodes.lengths[locations]
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    outermost = np.repeat(nodes.offsets[1:][locations] - 1, lengths)
    return _Calls(
        names=names,
        nodes=nodes.items[outermost - within],
        samples=np.repeat(stacks.row_of_items()[::-1], lengths),
        inlined=within > 0,
        weights=column[rows],
    )


def _sums(calls: _Calls) -> tuple[IntArray, IntArray]:
    size = len(calls.names)
    flat = np.zeros(size, dtype=np.int64)
    cumulative = np.zeros(size, dtype=np.int64)
    if not len(calls.nodes):
        return flat, cumulative
    is_leaf = np.append(calls.samples[1:] != calls.samples[:-1], True)
    np.add.at(flat, calls.nodes[is_leaf], calls.weights[calls.samples[is_leaf]])
    # A function that calls itself is several times in a stack, and counts once.
    pairs = np.sort(calls.samples * size + calls.nodes)
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])]
    np.add.at(cumulative, pairs % size, calls.weights[pairs // size])
    return flat, cumulative


def _inlined(calls: _Calls, kept: BoolArray, *, edge_cutoff: int) -> list[str]:
    """Return for every node whether its calls are inlined, judged by the calls from kept nodes that weigh enough."""
    size = len(calls.names)
    words = np.zeros(size, dtype=np.int64)
    spots = np.flatnonzero(kept[calls.nodes])
    nodes, samples, inlined = calls.nodes[spots], calls.samples[spots], calls.inlined[spots]
    callers = nodes[:-1]
    # Only functions that are inlined somewhere can get a label, and few are.
    is_candidate = np.zeros(size, dtype=np.bool_)
    is_candidate[nodes[inlined]] = True
    is_call = (samples[1:] == samples[:-1]) & (callers != nodes[1:]) & is_candidate[nodes[1:]]
    edges = callers[is_call] * size + nodes[1:][is_call]
    samples, inlined = samples[1:][is_call], inlined[1:][is_call]
    kinds, edge_numbers = np.unique(edges, return_inverse=True)
    # Within a sample, only the first call of each kind counts.
    _, first = np.unique(samples * max(len(kinds), 1) + edge_numbers, return_index=True)
    weights = np.zeros(len(kinds), dtype=np.int64)
    np.add.at(weights, edge_numbers[first], calls.weights[samples[first]])
    always = np.ones(len(kinds), dtype=np.bool_)
    always[edge_numbers[first][~inlined[first]]] = False
    heavy = np.abs(weights) >= edge_cutoff
    words[kinds[heavy & always] % size] |= 1
    words[kinds[heavy & ~always] % size] |= 2
    return [("", "inline", "", "partial-inline")[word] for word in words.tolist()]
