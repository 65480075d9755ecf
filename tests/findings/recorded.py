"""Growth of real Go programs' sites, as ``recorder`` wrote it: 20 calls of each leak, every allocation sampled."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_goleak.findings.attribute import Attribution, attribute
from pytest_goleak.findings.source import make_reader
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.profile import Frame, Site, SiteGrowth
from pytest_goleak.model.report import SignalEstimate

HERE = Path(__file__).parent
SOURCES = HERE / "recorder"
RUNS = 20


@functools.cache
def _document() -> Any:
    return json.loads((HERE / "stacks.json").read_text(encoding="utf-8"))


@functools.cache
def _frames() -> tuple[Frame, ...]:
    return tuple(Frame(*row) if row[0] else Frame("") for row in _document()["frames"])


def frames() -> tuple[Frame, ...]:
    return _frames()[1:]


def leaks() -> list[str]:
    return sorted(_document()["leaks"])


def growths(leak: str, kind: str) -> list[SiteGrowth]:
    table = _frames()
    return [
        SiteGrowth(
            site=Site(kind, tuple(table[number] for number in row["stack"])),
            objects=row["objects"],
            bytes=row["bytes"],
            state=row.get("state"),
            created_by=table[row["created_by"]] if "created_by" in row else None,
        )
        for row in _document()["leaks"][leak]
        if row["kind"] == kind
    ]


def attributed(
    leak: str, *, with_source: bool = True, estimates: Mapping[Signal, SignalEstimate] | None = None
) -> Attribution:
    return attribute(
        goroutines=growths(leak, "goroutine"),
        heap=growths(leak, "heap"),
        requests=RUNS,
        estimates=estimates or {},
        read_source=make_reader([SOURCES]) if with_source else None,
    )
