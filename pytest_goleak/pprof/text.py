"""The heap profile as text, which a service writes with ``debug=1``: with its exact counters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.profile import Frame, MemStats

__all__ = ["HeapRecord", "HeapText", "describe", "parse_heap", "parse_memstats"]

_TRAILER = b"# runtime.MemStats\n"
# The line's end is part of the pattern, so that a number that was cut off is not taken for a smaller one.
_COUNTER = re.compile(rb"^# (\w+) = (\d+)(?: / (\d+))?\r?\n", re.MULTILINE)
_HEAP_HEADER = re.compile(r"heap profile: (\d+): (\d+) \[(\d+): (\d+)\] @ heap/(\d+)")
_HEAP_RECORD = re.compile(r"(\d+): (\d+) \[(\d+): (\d+)\] @(.*)")
_FRAME = re.compile(r"#\t0x[0-9a-f]+(?:\t+(?P<function>.+)\+0x[0-9a-f]+\t+(?P<file>.+):(?P<line>\d+))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapRecord:
    """One stack of ``heap?debug=1``: figures as sampled, not scaled up as in the protobuf form."""

    inuse_objects: int
    inuse_bytes: int
    alloc_objects: int
    alloc_bytes: int
    addresses: tuple[int, ...]
    frames: tuple[Frame, ...]
    """Leaf first; frames of the Go runtime at the leaf are left out by Go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapText:
    """The whole of ``heap?debug=1``."""

    rate: int
    """Bytes between two samples: ``runtime.MemProfileRate``."""
    records: tuple[HeapRecord, ...]
    memstats: MemStats


def describe(content: bytes) -> str:
    """Return in a few words what *content* is, for messages about what it is not."""
    start = content[:200].lstrip()
    if not start:
        return "an empty answer"
    first_line = start.split(b"\n", 1)[0][:60].decode("utf-8", "replace").rstrip()
    if start[:1] == b"<":
        return f"HTML or XML ({first_line!r})"
    if content[:2] == b"\x1f\x8b":
        return "gzipped data (a profile without 'debug='?)"
    if all(byte >= 0x20 or byte in b"\t\r\n" for byte in start):
        return f"text ({first_line!r})"
    return f"{len(content):,} bytes of binary data"


def parse_memstats(content: bytes) -> MemStats:
    """Return the exact counters at the end of ``heap?debug=1``, without reading the records before them.

    Raises:
        MalformedProfileError: there is no such trailer, or counters are missing from it.

    """
    start = content.rfind(_TRAILER)
    if start < 0:
        raise MalformedProfileError(
            f"no '# runtime.MemStats' in {describe(content)}: expected the answer of heap?debug=1; "
            "was it cut off, or is the URL another one?"
        )
    counters: dict[str, int] = {}
    for name, number, system in _COUNTER.findall(content, start):
        key = name.decode()
        # "Stack = 1 / 2" is bytes in use and bytes taken from the system.
        counters |= {f"{key}Inuse": int(number), f"{key}Sys": int(system)} if system else {key: int(number)}
    try:
        return MemStats(
            heap_alloc=counters.pop("HeapAlloc"),
            heap_objects=counters.pop("HeapObjects"),
            total_alloc=counters.pop("TotalAlloc"),
            num_gc=counters.pop("NumGC"),
            sys=counters.pop("Sys"),
            heap_inuse=counters.pop("HeapInuse"),
            heap_sys=counters.pop("HeapSys"),
            extra=counters,
        )
    except KeyError as error:
        raise MalformedProfileError(
            f"the MemStats trailer has no {error.args[0]}: the answer of heap?debug=1 was cut off; fetch it again"
        ) from None


def parse_heap(content: bytes) -> HeapText:
    """Return what ``heap?debug=1`` says.

    Raises:
        MalformedProfileError: *content* is something else, or was cut off.

    """
    memstats_at = content.rfind(_TRAILER)
    memstats = parse_memstats(content)
    lines = content[:memstats_at].decode("utf-8", "replace").split("\n")
    header = _HEAP_HEADER.fullmatch(lines[0])
    if header is None:
        raise MalformedProfileError(f"expected 'heap profile: …' (heap?debug=1), got {describe(content)}")
    records: list[HeapRecord] = []
    for record, details in _blocks(lines[1:]):
        match = _HEAP_RECORD.fullmatch(record)
        if match is None:
            raise MalformedProfileError(f"expected '1: 512 [1: 512] @ 0x…' in heap?debug=1, got {record[:60]!r}")
        inuse_objects, inuse_bytes, alloc_objects, alloc_bytes = map(int, match.groups()[:4])
        records.append(
            HeapRecord(
                inuse_objects=inuse_objects,
                inuse_bytes=inuse_bytes,
                alloc_objects=alloc_objects,
                alloc_bytes=alloc_bytes,
                addresses=_addresses(match[5]),
                frames=tuple(_frames(details)),
            )
        )
    # Go prints twice the rate, as early C++ heap profilers did.
    return HeapText(rate=int(header[5]) // 2, records=tuple(records), memstats=memstats)


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each record with the comment lines that follow it."""
    record: str | None = None
    details: list[str] = []
    for line in lines:
        if line.startswith("#"):
            details.append(line)
        elif line:
            if record is not None:
                yield record, details
            record, details = line, []
    if record is not None:
        yield record, details


def _addresses(text: str) -> tuple[int, ...]:
    return tuple(int(address, 16) for address in text.split())


def _frames(details: list[str]) -> Iterator[Frame]:
    for line in details:
        match = _FRAME.fullmatch(line)
        if match and match["function"]:
            yield Frame(match["function"], match["file"], int(match["line"]))
