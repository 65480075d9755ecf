"""Bytes of a profile, compressed or not, to a :class:`~pytest_goleak.pprof.profile.Profile`.

The wire format is read by the official protobuf runtime. ``profile_pb2.py`` and its ``.pyi`` come from
``profile.proto``, written by protoc 29 (grpcio-tools 1.69): its code loads on the oldest protobuf runtime that we
support and on all later ones. From the root of the repository; the second command is for mypy's strict mode::

    python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. pytest_goleak/pprof/profile.proto &&
        sed -i '1i # mypy: disable-error-code="type-arg"' pytest_goleak/pprof/profile_pb2.pyi
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence, Sized
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.units import format_bytes
from pytest_goleak.pprof import profile_pb2 as wire
from pytest_goleak.pprof.profile import Function, Labels, Locations, Mapping, Profile, ValueType
from pytest_goleak.pprof.ragged import IntArray, Ragged
from pytest_goleak.pprof.text import describe
from pytest_goleak.pprof.validate import check_ids, check_strings, check_values, resolve

__all__ = ["DEFAULT_MAX_BYTES", "decompress", "parse"]

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
"""Limit for a decompressed profile, in bytes."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16
"""Tells zlib to expect the header and check sum of gzip."""


def parse(content: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Profile:
    """Return the profile in *content*, gzipped or plain protobuf.

    Raises:
        MalformedProfileError: *content* is empty, truncated, text, larger than *max_bytes* once decompressed,
            or breaks the rules of the format; the message says what it is instead.

    """
    raw = decompress(content, max_bytes=max_bytes)
    message = wire.Profile()
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise MalformedProfileError(
            f"this is not a pprof profile: expected protobuf, got {describe(raw)}; {_advice(raw)}"
        ) from error
    if not message.sample_type:
        raise MalformedProfileError(f"this is not a pprof profile: no sample types in {describe(raw)}; {_advice(raw)}")
    return _assemble(message)


def decompress(content: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Return *content* without its gzip layer, if it has one; no more than *max_bytes* are ever unpacked.

    Raises:
        MalformedProfileError: *content* is empty, too large, truncated or damaged.

    """
    if not content:
        raise MalformedProfileError("the profile is empty: expected gzipped protobuf; did the service answer at all?")
    parts: list[bytes] = []
    left = max_bytes
    rest = content
    # A gzip file may hold several members, one after the other.
    while rest[:2] == _GZIP_MAGIC:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = unpacker.decompress(rest, left + 1)
        except zlib.error as error:
            raise MalformedProfileError(f"the gzip data of the profile is damaged ({error}): fetch it again") from error
        left -= len(part)
        _check_size(left, max_bytes)
        if not unpacker.eof:
            raise MalformedProfileError(
                f"the profile ends in the middle of its gzip data, after {len(content):,} bytes: "
                "the answer was cut off; fetch it again, with a longer time-out"
            )
        parts.append(part)
        rest = unpacker.unused_data
    if parts:
        return b"".join(parts)
    _check_size(max_bytes - len(content), max_bytes)
    return content


def _check_size(left: int, max_bytes: int) -> None:
    if left < 0:
        raise MalformedProfileError(
            f"the profile is larger than {format_bytes(max_bytes)} once decompressed: "
            "expected at most that; raise the limit if the service is this large"
        )


def _advice(raw: bytes) -> str:
    if raw.lstrip()[:1] == b"<":
        return "is the URL that of a pprof endpoint?"
    if b" profile: " in raw[:200] or raw.startswith(b"goroutine "):
        return "ask for it without 'debug='"
    return "fetch it again, and check the URL"


def _assemble(message: wire.Profile) -> Profile:
    strings = [text.decode("utf-8", "backslashreplace") for text in message.string_table] or [""]
    mapping_ids = _column(message.mapping, "id")
    function_ids = _column(message.function, "id")
    location_ids = _column(message.location, "id")
    check_ids(mapping_ids, "mapping")
    check_ids(function_ids, "function")
    check_ids(location_ids, "location")
    text = _reader(strings)
    # The runtime makes a Python object of each sample whenever it is asked for one: once is enough.
    samples = list(message.sample)
    return Profile(
        value_types=tuple(_value_type(each, text) for each in message.sample_type),
        values=_values(samples, len(message.sample_type)),
        stacks=_stacks(samples, location_ids),
        labels=_labels(samples, strings),
        locations=_locations(message, mapping_ids, function_ids),
        functions=_functions(message, text),
        mappings=_mappings(message, text),
        period_type=_value_type(message.period_type, text),
        period=message.period,
        time_nanos=message.time_nanos,
        duration_nanos=message.duration_nanos,
        default_sample_type=text([message.default_sample_type])[0],
        comments=tuple(text(message.comment)),
        drop_frames=text([message.drop_frames])[0],
        keep_frames=text([message.keep_frames])[0],
        doc_url=text([message.doc_url])[0],
    )


def _reader(strings: Sequence[str]) -> Callable[[Iterable[int]], list[str]]:
    def read(indices: Iterable[int]) -> list[str]:
        wanted = list(indices)
        check_strings(np.array(wanted, dtype=np.int64), len(strings))
        return [strings[index] for index in wanted]

    return read


def _value_type(message: wire.ValueType, text: Callable[[Iterable[int]], list[str]]) -> ValueType:
    return ValueType(*text([message.type, message.unit]))


def _column(messages: Sequence[Any], name: str) -> IntArray:
    """Return one field of all *messages*; unsigned numbers keep their bits."""
    unsigned = np.fromiter(map(attrgetter(name), messages), dtype=np.uint64, count=len(messages))
    return unsigned.view(np.int64)


def _signed(messages: Sequence[Any], name: str) -> IntArray:
    return np.fromiter(map(attrgetter(name), messages), dtype=np.int64, count=len(messages))


def _lengths(rows: Sequence[Sized]) -> IntArray:
    return np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))


def _values(samples: Sequence[wire.Sample], width: int) -> IntArray:
    rows = [sample.value for sample in samples]
    check_values(_lengths(rows), width)
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=len(rows) * width)
    return flat.reshape(len(rows), width)


def _stacks(samples: Sequence[wire.Sample], location_ids: IntArray) -> Ragged:
    rows = [sample.location_id for sample in samples]
    lengths = _lengths(rows)
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.uint64, count=int(lengths.sum()))
    return Ragged.from_lengths(lengths, resolve(flat.view(np.int64), location_ids, "a sample", "location"))


def _labels(samples: Sequence[wire.Sample], strings: list[str]) -> Labels:
    rows = [sample.label for sample in samples]
    lengths = _lengths(rows)
    flat = list(chain.from_iterable(rows))
    if not flat:
        return Labels.empty(len(rows))
    columns = [_signed(flat, name) for name in ("key", "str", "num_unit")]
    numbers = _signed(flat, "num")
    for column in columns:
        check_strings(column, len(strings))
    # Only the strings that labels use: the table of the profile also names all functions and files.
    used, compact = np.unique(np.concatenate([[0], *columns]), return_inverse=True)
    keys, texts, units = np.split(compact[1:], 3)
    # A label with no value at all is none, as in google/pprof.
    kept = (texts != 0) | (numbers != 0) | (units != 0)
    sample = np.repeat(np.arange(len(rows)), lengths)[kept]
    is_text = texts != 0
    return Labels(
        keys=Ragged.from_lengths(np.bincount(sample, minlength=len(rows)).astype(np.int64), keys[kept]),
        strings=texts[kept],
        numbers=np.where(is_text, 0, numbers)[kept],
        units=np.where(is_text, 0, units)[kept],
        table=tuple(strings[index] for index in used.tolist()),
    )


def _locations(message: wire.Profile, mapping_ids: IntArray, function_ids: IntArray) -> Locations:
    messages = message.location
    rows = [location.line for location in messages]
    lines = list(chain.from_iterable(rows))
    functions = resolve(_column(lines, "function_id"), function_ids, "a location", "function")
    return Locations(
        addresses=_column(messages, "address"),
        mappings=resolve(_column(messages, "mapping_id"), mapping_ids, "a location", "mapping", missing=-1),
        folded=np.fromiter(map(attrgetter("is_folded"), messages), dtype=np.bool_, count=len(messages)),
        lines=Ragged.from_lengths(_lengths(rows), functions),
        line_numbers=_signed(lines, "line"),
        line_columns=_signed(lines, "column"),
    )


def _functions(message: wire.Profile, text: Callable[[Iterable[int]], list[str]]) -> tuple[Function, ...]:
    names, system_names, files = (
        text(map(attrgetter(name), message.function)) for name in ("name", "system_name", "filename")
    )
    start_lines = map(attrgetter("start_line"), message.function)
    return tuple(map(Function, names, system_names, files, start_lines))


def _mappings(message: wire.Profile, text: Callable[[Iterable[int]], list[str]]) -> tuple[Mapping, ...]:
    return tuple(
        Mapping(
            start=each.memory_start,
            limit=each.memory_limit,
            offset=each.file_offset,
            file=text([each.filename])[0],
            build_id=text([each.build_id])[0],
            has_functions=each.has_functions,
            has_filenames=each.has_filenames,
            has_line_numbers=each.has_line_numbers,
            has_inline_frames=each.has_inline_frames,
        )
        for each in message.mapping
    )
