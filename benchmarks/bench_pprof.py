"""Compare our parse, diff and top of two heap profiles with ``go tool pprof -top -base``, interleaved in one run.

Run it from the repository with ``python benchmarks/bench_pprof.py``. It needs Go, and prints medians in seconds and
their ratios for each number of samples. Three figures are ours or Go's in the same sense:

* *in process*: reading the files, parse, diff, top and the table, in this process, imports done before;
* *whole process*: the same as a Python program of its own, with its start and the import of numpy and protobuf;
* *go tool*: what a person types, with the start of ``go``; *pprof*: the program that it starts, called directly.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pytest_goleak.pprof.combine import diff
from pytest_goleak.pprof.encode import encode
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.profile import Function, Labels, Locations, Mapping, Profile, ValueType
from pytest_goleak.pprof.ragged import Ragged
from pytest_goleak.pprof.top import render_top, top

CALLEES = 5
"""Functions that each function calls."""
SIZES = np.array([16, 32, 48, 64, 96, 128, 256, 512, 1024, 4096])


def synthetic_pair(samples: int, seed: int) -> tuple[Profile, Profile]:
    """Return two profiles of one made-up service: stacks of 15 to 25 frames through a fixed call graph.

    Of the stacks in the first profile, half allocate on, a tenth grow or shrink, and a tenth as many are new.
    """
    rng = np.random.default_rng(seed)
    functions = 300 + samples // 20
    # A call site is a function and one of its calls; popular callees are called from many places.
    callees = (functions * rng.random((functions, CALLEES)) ** 2).astype(np.int64)
    total = samples + samples // 10
    depths = rng.integers(15, 26, size=total)
    stacks = Ragged.from_lengths(depths, _walks(rng, callees, depths))
    size = SIZES[rng.integers(0, len(SIZES), size=total)]
    allocated = rng.integers(1, 5000, size=total)
    inuse = (allocated * rng.random(total) ** 3).astype(np.int64)
    is_active, is_moved = rng.random(total) < 0.5, rng.random(total) < 0.1
    more = np.where(is_active | is_moved, rng.integers(1, 500, size=total), 0)
    kept = np.where(is_moved, np.maximum(inuse + more // 2 - 100, 0), inuse)
    tables = _tables(rng, functions)
    before = _profile(tables, stacks, size, allocated, inuse)
    after = _profile(tables, stacks, size, allocated + more, kept)
    return before.take(np.arange(samples)), after


def _walks(rng: np.random.Generator, callees: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """Return the call sites of random walks, leaf first, one walk after the other."""
    deepest = int(depths.max())
    function = rng.integers(0, 8, size=len(depths))
    sites = np.zeros((len(depths), deepest), dtype=np.int64)
    for level in range(deepest):
        # Most calls take the same way, so that stacks share their roots.
        call = (CALLEES * rng.random(len(depths)) ** 2).astype(np.int64)
        sites[:, level] = function * CALLEES + call
        function = callees[function, call]
    is_used = np.arange(deepest) < depths[:, None]
    return sites[:, ::-1][is_used[:, ::-1]]


def _tables(rng: np.random.Generator, functions: int) -> dict[str, object]:
    packages = 20 + functions // 20
    sites = functions * CALLEES
    inlined = rng.random(sites) < 0.15
    lengths = 1 + inlined.astype(np.int64)
    lines = Ragged.from_lengths(lengths, np.repeat(np.arange(sites) // CALLEES, lengths))
    items = lines.items.copy()
    items[lines.offsets[:-1][inlined]] = rng.integers(0, functions, size=int(inlined.sum()))
    names = [f"example.com/service/internal/pkg{n % packages}.(*Type{n % 31}).Method{n}" for n in range(functions)]
    return {
        "functions": tuple(
            Function(name, name, f"/src/service/internal/pkg{n % packages}/file{n % 7}.go", n % 900)
            for n, name in enumerate(names)
        ),
        "locations": Locations(
            addresses=0x400000 + np.arange(sites) * 16,
            mappings=np.zeros(sites, dtype=np.int64),
            folded=np.zeros(sites, dtype=np.bool_),
            lines=Ragged(lines.offsets, items),
            line_numbers=rng.integers(1, 1000, size=len(items)),
            line_columns=np.zeros(len(items), dtype=np.int64),
        ),
        "mappings": (Mapping(start=0x400000, limit=0x8000000, file="/srv/service", has_functions=True),),
    }


def _profile(
    tables: dict[str, object], stacks: Ragged, size: np.ndarray, allocated: np.ndarray, inuse: np.ndarray
) -> Profile:
    count = len(stacks)
    types = ("alloc_objects/count", "alloc_space/bytes", "inuse_objects/count", "inuse_space/bytes")
    nothing = np.zeros(count, dtype=np.int64)
    return Profile(
        value_types=tuple(ValueType(*name.split("/")) for name in types),
        values=np.stack([allocated, allocated * size, inuse, inuse * size], axis=1),
        stacks=stacks,
        labels=Labels(
            keys=Ragged.from_lengths(nothing + 1, nothing + 1),
            strings=nothing,
            numbers=size,
            units=nothing,
            table=("", "bytes"),
        ),
        period_type=ValueType("space", "bytes"),
        period=524_288,
        time_nanos=1_700_000_000_000_000_000,
        default_sample_type="inuse_space",
        **tables,  # type: ignore[arg-type]
    )


def compare(before: Path, after: Path) -> str:
    """Do what ``go tool pprof -top -base BEFORE AFTER`` does."""
    return render_top(top(diff(parse(before.read_bytes()), parse(after.read_bytes()))))


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def measure(before: Path, after: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds of each way to compare the two files, taken in turns."""
    arguments = ["-top", "-base", str(before), str(after)]
    go_tool = ["go", "tool", "pprof", *arguments]
    binary = [_output(["go", "tool", "-n", "pprof"]).strip(), *arguments]
    python = [sys.executable, __file__, "--compare", str(before), str(after)]
    ways: dict[str, Callable[[], str]] = {
        "in process": lambda: compare(before, after),
        "whole process": lambda: _output(python),
        "go tool": lambda: _output(go_tool),
        "pprof": lambda: _output(binary),
    }
    # The first turn warms the caches of files, imports and Go's build up; its answers must be the same.
    if len({way() for way in ways.values()}) != 1:
        raise SystemExit("our table is not the one that Go prints: fix that first")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(_timed(way))
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Print the table, or with ``--compare`` do one comparison as a process of its own."""
    parser = argparse.ArgumentParser(description="Compare parse, diff and top with go tool pprof.")
    parser.add_argument("--samples", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare:
        sys.stdout.write(compare(*options.compare))
        return
    print(f"{_output(['go', 'version']).strip()}, Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    print(f"medians of {options.rounds} in seconds; ratios below 1: we are faster")
    print(f"{'samples':>8} {'in process':>11} {'whole proc.':>11} {'go tool':>8} {'pprof':>8}", end=" ")
    print(f"{'in process/go tool':>19} {'in process/pprof':>17} {'whole/pprof':>12}")
    with tempfile.TemporaryDirectory() as directory:
        for samples in options.samples:
            paths = []
            for name, profile in zip(("before", "after"), synthetic_pair(samples, options.seed), strict=True):
                paths.append(Path(directory) / f"{name}{samples}.pb.gz")
                paths[-1].write_bytes(encode(profile))
            ours, whole, go_tool, binary = measure(paths[0], paths[1], options.rounds).values()
            print(f"{samples:8,} {ours:11.3f} {whole:11.3f} {go_tool:8.3f} {binary:8.3f}", end=" ")
            print(f"{ours / go_tool:19.2f} {ours / binary:17.2f} {whole / binary:12.2f}", flush=True)


if __name__ == "__main__":
    main()
