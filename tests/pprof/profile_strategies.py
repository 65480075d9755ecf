"""Hypothesis strategies for profiles: small, but with everything that a profile may have."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from pytest_goleak.pprof.profile import Function, Labels, Locations, Mapping, Profile, ValueType
from pytest_goleak.pprof.ragged import Ragged

TYPES = (ValueType("alloc_objects", "count"), ValueType("inuse_space", "bytes"))
# Few names and lines, so that stacks meet and merge.
NAMES = st.sampled_from(["main.main", "main.(*T).f", "a/b.F[...]", "net/http.(*conn).serve", "ö.g"])
WORDS = st.sampled_from(["user", "route", "bytes", "µ", "a b"])
VALUES = st.integers(min_value=-(2**40), max_value=2**40)
INT = st.integers(min_value=0, max_value=3)


def ragged(rows: list[list[int]]) -> Ragged:
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    return Ragged.from_lengths(lengths, np.array([item for row in rows for item in row], dtype=np.int64))


@st.composite
def locations(draw: st.DrawFn, functions: int, mappings: int) -> Locations:
    size = draw(st.integers(1, 6))
    rows = [draw(st.lists(st.integers(0, functions - 1), max_size=3)) for _ in range(size)]
    lines = sum(map(len, rows))
    return Locations(
        addresses=np.array(
            draw(st.lists(st.integers(0, 2**64 - 1), min_size=size, max_size=size)), dtype=np.uint64
        ).view(np.int64),
        mappings=np.array(draw(st.lists(st.integers(-1, mappings - 1), min_size=size, max_size=size)), dtype=np.int64),
        folded=np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=np.bool_),
        lines=ragged(rows),
        line_numbers=np.array(draw(st.lists(INT, min_size=lines, max_size=lines)), dtype=np.int64),
        line_columns=np.array(draw(st.lists(INT, min_size=lines, max_size=lines)), dtype=np.int64),
    )


@st.composite
def labels(draw: st.DrawFn, samples: int) -> Labels:
    text = st.tuples(WORDS, WORDS, st.just(0), st.just(""))
    number = st.tuples(WORDS, st.just(""), st.integers(-5, 5).filter(bool), st.sampled_from(["", "bytes"]))
    rows = [draw(st.lists(st.one_of(text, number), max_size=2)) for _ in range(samples)]
    flat = [label for row in rows for label in row]
    # In order of use, as a file's string table has them.
    table = ("", *dict.fromkeys(word for key, value, _, unit in flat for word in (key, value, unit) if word))
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    columns = [
        np.array([table.index(item) if isinstance(item, str) else item for item in column], dtype=np.int64)
        for column in (zip(*flat, strict=True) if flat else [[]] * 4)
    ]
    keys, strings, numbers, units = columns
    return Labels(keys=Ragged.from_lengths(lengths, keys), strings=strings, numbers=numbers, units=units, table=table)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    functions = tuple(
        draw(
            st.lists(
                st.builds(Function, NAMES, st.just(""), st.sampled_from(["", "/src/a.go"]), INT), min_size=1, max_size=4
            )
        )
    )
    mappings = tuple(
        Mapping(start=start * 0x1000, limit=(start + 4) * 0x1000, file=file, build_id=build_id, has_functions=True)
        for start, file, build_id in draw(
            st.lists(st.tuples(INT, st.sampled_from(["/bin/a", "/bin/b"]), st.sampled_from(["", "1f"])), max_size=2)
        )
    )
    table = draw(locations(len(functions), len(mappings)))
    stacks = draw(st.lists(st.lists(st.integers(0, len(table) - 1), max_size=4), max_size=8))
    values = draw(st.lists(st.tuples(VALUES, VALUES), min_size=len(stacks), max_size=len(stacks)))
    return Profile(
        value_types=TYPES,
        values=np.array(values, dtype=np.int64).reshape(-1, len(TYPES)),
        stacks=ragged(stacks),
        labels=draw(labels(len(stacks))),
        locations=table,
        functions=functions,
        mappings=mappings,
        period_type=ValueType("space", "bytes"),
        period=draw(st.integers(0, 2**30)),
        time_nanos=draw(st.integers(0, 2**60)),
        duration_nanos=draw(st.integers(0, 2**30)),
        default_sample_type=draw(st.sampled_from(["", "inuse_space"])),
        comments=tuple(draw(st.lists(WORDS, max_size=2, unique=True))),
        drop_frames=draw(st.sampled_from(["", "malloc.*"])),
        doc_url=draw(st.sampled_from(["", "https://example.com/doc"])),
    )


def contents(profile: Profile) -> dict[tuple[object, ...], list[int]]:
    """What a profile says, whatever the order of its samples and the numbers of its tables."""
    table = profile.locations
    places = []
    for number in range(len(table)):
        span = range(int(table.lines.offsets[number]), int(table.lines.offsets[number + 1]))
        lines = tuple(
            (profile.functions[table.lines.items[at]], int(table.line_numbers[at]), int(table.line_columns[at]))
            for at in span
        )
        mapping = profile.mappings[table.mappings[number]] if table.mappings[number] >= 0 else None
        start = mapping.start if mapping else 0
        identity = (mapping.limit - mapping.start, mapping.build_id or mapping.file) if mapping else None
        places.append((identity, (int(table.addresses[number]) - start) % 2**64, bool(table.folded[number]), lines))
    said: dict[tuple[object, ...], list[int]] = {}
    kept = profile.labels
    for sample in range(len(profile)):
        span = range(int(kept.keys.offsets[sample]), int(kept.keys.offsets[sample + 1]))
        marks = [
            (
                kept.table[kept.keys.items[at]],
                kept.table[kept.strings[at]],
                int(kept.numbers[at]),
                kept.table[kept.units[at]],
            )
            for at in span
        ]
        # The order of labels with one key is part of what they say; that of keys is not.
        marks.sort(key=lambda mark: (mark[0], bool(mark[1])))
        key = (tuple(places[place] for place in profile.stacks.row(sample)), tuple(marks))
        sums = said.setdefault(key, [0] * len(profile.value_types))
        sums[:] = [a + b for a, b in zip(sums, profile.values[sample].tolist(), strict=True)]
    return {key: values for key, values in said.items() if any(values)}
