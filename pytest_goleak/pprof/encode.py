"""A :class:`~pytest_goleak.pprof.profile.Profile` to bytes that ``go tool pprof`` opens, diffs included."""

from __future__ import annotations

import gzip

import numpy as np

from pytest_goleak.pprof import profile_pb2 as wire
from pytest_goleak.pprof.profile import Profile, ValueType
from pytest_goleak.pprof.ragged import IntArray

__all__ = ["encode"]


def encode(profile: Profile, *, compress: bool = True) -> bytes:
    """Return *profile* as gzipped protobuf; equal profiles give equal bytes.

    Args:
        profile: What to write; negative values, as in diffs, are fine.
        compress: Whether to gzip, as the format asks of files.

    """
    strings = _Strings()
    message = wire.Profile(
        sample_type=[_value_type(each, strings) for each in profile.value_types],
        mapping=_mappings(profile, strings),
        location=_locations(profile),
        function=[
            wire.Function(
                id=number,
                name=strings[function.name],
                system_name=strings[function.system_name],
                filename=strings[function.file],
                start_line=function.start_line,
            )
            for number, function in enumerate(profile.functions, 1)
        ],
        period_type=_value_type(profile.period_type, strings),
        period=profile.period,
        time_nanos=profile.time_nanos,
        duration_nanos=profile.duration_nanos,
        default_sample_type=strings[profile.default_sample_type],
        comment=[strings[comment] for comment in profile.comments],
        drop_frames=strings[profile.drop_frames],
        keep_frames=strings[profile.keep_frames],
        doc_url=strings[profile.doc_url],
    )
    _add_samples(message, profile, strings)
    message.string_table.extend(strings.encoded())
    raw = message.SerializeToString(deterministic=True)
    return gzip.compress(raw, mtime=0) if compress else raw


class _Strings(dict[str, int]):
    """The string table: numbers each text at its first use; the empty text is 0."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]

    def encoded(self) -> list[bytes]:
        return [text.encode("utf-8", "backslashreplace") for text in self]


def _value_type(value_type: ValueType, strings: _Strings) -> wire.ValueType:
    return wire.ValueType(type=strings[value_type.type], unit=strings[value_type.unit])


def _mappings(profile: Profile, strings: _Strings) -> list[wire.Mapping]:
    return [
        wire.Mapping(
            id=number,
            memory_start=mapping.start,
            memory_limit=mapping.limit,
            file_offset=mapping.offset,
            filename=strings[mapping.file],
            build_id=strings[mapping.build_id],
            has_functions=mapping.has_functions,
            has_filenames=mapping.has_filenames,
            has_line_numbers=mapping.has_line_numbers,
            has_inline_frames=mapping.has_inline_frames,
        )
        for number, mapping in enumerate(profile.mappings, 1)
    ]


def _locations(profile: Profile) -> list[wire.Location]:
    locations = profile.locations
    triples = zip(
        (locations.lines.items + 1).tolist(),
        locations.line_numbers.tolist(),
        locations.line_columns.tolist(),
        strict=True,
    )
    lines = [wire.Line(function_id=function, line=line, column=column) for function, line, column in triples]
    columns = zip(
        (locations.mappings + 1).tolist(),
        locations.addresses.view(np.uint64).tolist(),
        locations.folded.tolist(),
        *_bounds(locations.lines.offsets),
        strict=True,
    )
    return [
        wire.Location(id=number, mapping_id=mapping, address=address, is_folded=folded, line=lines[start:end])
        for number, (mapping, address, folded, start, end) in enumerate(columns, 1)
    ]


def _add_samples(message: wire.Profile, profile: Profile, strings: _Strings) -> None:
    location_ids = (profile.stacks.items + 1).tolist()
    labels = _labels(profile, strings)
    columns = zip(
        profile.values.tolist(),
        *_bounds(profile.stacks.offsets),
        *_bounds(profile.labels.keys.offsets),
        strict=True,
    )
    message.sample.extend(
        wire.Sample(value=values, location_id=location_ids[start:end], label=labels[first:last])
        for values, start, end, first, last in columns
    )


def _labels(profile: Profile, strings: _Strings) -> list[wire.Label]:
    labels = profile.labels
    table = np.array([strings[text] for text in labels.table], dtype=np.int64)
    columns = (table[labels.keys.items], table[labels.strings], labels.numbers, table[labels.units])
    return [
        wire.Label(key=key, str=text, num=number, num_unit=unit)
        for key, text, number, unit in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _bounds(offsets: IntArray) -> tuple[list[int], list[int]]:
    bounds = offsets.tolist()
    return bounds[:-1], bounds[1:]
