"""Scale, merge and subtract profiles, as google/pprof does: by what stacks contain, not by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.pprof.profile import Function, Labels, Locations, Mapping, Profile
from pytest_goleak.pprof.ragged import IntArray, Ragged, concatenate, intern_rows, join, repack

__all__ = ["diff", "merge", "pair", "scale"]

_PAGE = 0x1000
"""Sizes of mappings are compared in pages, because the same binary may be mapped a little longer."""


def scale(profile: Profile, factor: float) -> Profile:
    """Return *profile* with all values multiplied, rounded half away from zero; samples that end as 0 are dropped."""
    if factor == 1:
        return profile
    if isinstance(factor, int) or factor.is_integer():
        values = profile.values * int(factor)
    else:
        scaled = profile.values * factor
        values = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int64)
    return replace(profile, values=values).take(_nonzero(values))


def diff(base: Profile, profile: Profile) -> Profile:
    """Return how *profile* differs from *base*: growth is positive, and what did not change is not there.

    Raises:
        MalformedProfileError: the two measure different things.

    """
    return merge([profile, scale(base, -1)])


def pair(before: Profile, after: Profile) -> Profile:
    """Return both profiles side by side: each sample has its values of *before*, then those of *after*.

    Raises:
        MalformedProfileError: the two measure different things.

    """
    _check_compatible([before, after])
    nothing_after, nothing_before = np.zeros_like(before.values), np.zeros_like(after.values)
    twice = before.value_types * 2
    return merge(
        [
            replace(before, value_types=twice, values=np.hstack([before.values, nothing_after])),
            replace(after, value_types=twice, values=np.hstack([nothing_before, after.values])),
        ]
    )


def merge(profiles: Sequence[Profile]) -> Profile:
    """Return the sum of *profiles*: samples with the same stack and labels become one, those that sum to 0 go.

    Functions are the same by name, file and start line; mappings by build id (or file), size and offset;
    locations by their lines and their address within the mapping. Locations and functions in no sample are left out.

    Raises:
        MalformedProfileError: there are none, or they measure different things.

    """
    _check_compatible(profiles)
    profiles = [profile.take(_nonzero(profile.values)) for profile in profiles]
    functions, function_numbers = _unify_functions(profiles)
    mappings, mapping_numbers, shifts = _unify_mappings(profiles)
    renumbered = [
        _renumber(profile.locations, *numbers)
        for profile, *numbers in zip(profiles, function_numbers, mapping_numbers, shifts, strict=True)
    ]
    locations, location_numbers = _unify_locations(renumbered)
    stacks = _concatenate_stacks(profiles, location_numbers)
    labels = _concatenate_labels(profiles)
    numbers, first = intern_rows(join([stacks, _label_keys(labels)]))
    values = np.zeros((len(first), len(profiles[0].value_types)), dtype=np.int64)
    np.add.at(values, numbers, np.concatenate([profile.values for profile in profiles]))
    rows = _nonzero(values)
    return _compact(
        replace(
            profiles[0],
            values=values[rows],
            stacks=stacks.take(first[rows]),
            labels=labels.take(first[rows]),
            locations=locations,
            functions=functions,
            mappings=mappings,
            period=max(profile.period for profile in profiles),
            time_nanos=min((profile.time_nanos for profile in profiles if profile.time_nanos), default=0),
            duration_nanos=sum(profile.duration_nanos for profile in profiles),
            default_sample_type=_first_said(profile.default_sample_type for profile in profiles),
            doc_url=_first_said(profile.doc_url for profile in profiles),
            comments=tuple(dict.fromkeys(comment for profile in profiles for comment in profile.comments)),
        )
    )


def _check_compatible(profiles: Sequence[Profile]) -> None:
    if not profiles:
        raise MalformedProfileError("there are no profiles to merge: expected at least one")
    first = profiles[0]
    for other in profiles[1:]:
        if other.value_types != first.value_types or other.period_type != first.period_type:
            raise MalformedProfileError(
                f"the profiles measure different things: {_measures(first)} and {_measures(other)}; "
                "expected two of one kind, such as two heap profiles"
            )


def _measures(profile: Profile) -> str:
    return f"({', '.join(map(str, profile.value_types))} per {profile.period_type})"


def _first_said(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _nonzero(values: IntArray) -> IntArray:
    return np.flatnonzero(values.any(axis=1))


def _unify_functions(profiles: Sequence[Profile]) -> tuple[tuple[Function, ...], list[IntArray]]:
    known: dict[Function, int] = {}
    numbers = [
        np.array([known.setdefault(function, len(known)) for function in profile.functions], dtype=np.int64)
        for profile in profiles
    ]
    return tuple(known), numbers


def _unify_mappings(profiles: Sequence[Profile]) -> tuple[tuple[Mapping, ...], list[IntArray], list[IntArray]]:
    """Return the distinct mappings and, per profile, their numbers and how far to shift addresses in them.

    The last entry of numbers and shifts is for locations without a mapping, whose number is -1.
    """
    known: dict[tuple[int, int, str], int] = {}
    merged: list[Mapping] = []
    numbers, shifts = [], []
    for profile in profiles:
        own_numbers, own_shifts = [], []
        for mapping in profile.mappings:
            pages = (mapping.limit - mapping.start + _PAGE - 1) // _PAGE
            number = known.setdefault((pages, mapping.offset, mapping.build_id or mapping.file), len(known))
            if number == len(merged):
                merged.append(mapping)
            own_numbers.append(number)
            own_shifts.append(merged[number].start - mapping.start)
        numbers.append(np.array([*own_numbers, -1], dtype=np.int64))
        # Address spaces have 64 bits: differences wrap around, as the addresses they are added to.
        shifts.append(np.array([shift % 2**64 for shift in [*own_shifts, 0]], dtype=np.uint64).view(np.int64))
    return tuple(merged), numbers, shifts


def _renumber(locations: Locations, functions: IntArray, mappings: IntArray, shifts: IntArray) -> Locations:
    lines = locations.lines
    return replace(
        locations,
        addresses=locations.addresses + shifts[locations.mappings],
        mappings=mappings[locations.mappings],
        lines=Ragged(lines.offsets, functions[lines.items]),
    )


def _unify_locations(parts: Sequence[Locations]) -> tuple[Locations, list[IntArray]]:
    every = Locations(
        addresses=np.concatenate([part.addresses for part in parts]),
        mappings=np.concatenate([part.mappings for part in parts]),
        folded=np.concatenate([part.folded for part in parts]),
        lines=concatenate([part.lines for part in parts]),
        line_numbers=np.concatenate([part.line_numbers for part in parts]),
        line_columns=np.concatenate([part.line_columns for part in parts]),
    )
    head = repack([every.addresses, every.mappings, every.folded.astype(np.int64)])
    lines = repack([every.lines.items, every.line_numbers, every.line_columns])
    rows = join([Ragged(np.arange(len(every) + 1) * 3, head), Ragged(every.lines.offsets * 3, lines)])
    numbers, first = intern_rows(rows)
    bounds = np.cumsum([len(part) for part in parts])[:-1]
    return every.take(first), np.split(numbers, bounds)


def _concatenate_stacks(profiles: Sequence[Profile], location_numbers: Sequence[IntArray]) -> Ragged:
    return concatenate(
        [
            Ragged(profile.stacks.offsets, numbers[profile.stacks.items])
            for profile, numbers in zip(profiles, location_numbers, strict=True)
        ]
    )


def _concatenate_labels(profiles: Sequence[Profile]) -> Labels:
    known: dict[str, int] = {"": 0}
    keys: list[Ragged] = []
    strings: list[IntArray] = []
    units: list[IntArray] = []
    for labels in (profile.labels for profile in profiles):
        numbers = np.array([known.setdefault(text, len(known)) for text in labels.table], dtype=np.int64)
        keys.append(Ragged(labels.keys.offsets, numbers[labels.keys.items]))
        strings.append(numbers[labels.strings])
        units.append(numbers[labels.units])
    return Labels(
        keys=concatenate(keys),
        strings=np.concatenate(strings),
        numbers=np.concatenate([profile.labels.numbers for profile in profiles]),
        units=np.concatenate(units),
        table=tuple(known),
    )


def _label_keys(labels: Labels) -> Ragged:
    """Return rows that are equal where the labels are, in whatever order a sample has them.

    Every label starts with -1, which no location has: stacks and labels can stand in one row.
    """
    keys = labels.keys
    is_text = labels.strings != 0
    order = np.lexsort((keys.items, is_text, keys.row_of_items()))
    columns = [np.full(len(order), -1), keys.items[order], labels.strings[order], labels.numbers[order]]
    return Ragged(keys.offsets * 5, repack([*columns, labels.units[order]]))


def _compact(profile: Profile) -> Profile:
    """Return *profile* without the locations and functions that no sample leads to."""
    locations, location_numbers = _used(profile.stacks.items, len(profile.locations))
    kept = profile.locations.take(locations)
    functions, function_numbers = _used(kept.lines.items, len(profile.functions))
    return replace(
        profile,
        stacks=Ragged(profile.stacks.offsets, location_numbers[profile.stacks.items]),
        locations=replace(kept, lines=Ragged(kept.lines.offsets, function_numbers[kept.lines.items])),
        functions=tuple(profile.functions[number] for number in functions.tolist()),
    )


def _used(references: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return the numbers below *size* that are referred to, and for each its place among them."""
    flags = np.zeros(size, dtype=np.int64)
    flags[references] = 1
    return np.flatnonzero(flags), np.cumsum(flags) - 1
