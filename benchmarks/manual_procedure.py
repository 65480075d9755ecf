"""The manual procedure that the project replaces, as a script: what a person types, and how the result is read.

The commands are those of the guide: heap and goroutines before, ``hey -n 10000 -c 100``, wait, heap (``?gc=1``) and
goroutines after, ``go tool pprof -top -base`` of the heaps, ``diff`` of the goroutine lists. Where the guide can be
read in two ways, the reading that favours the procedure is taken:

* both heaps are captured with ``gc=1``, as its best practices advise;
* the wait of 10 s before the second goroutine list begins with the end of the load, so that the 5 s before the second
  heap are part of it;
* no time is charged for reading the result: thresholds do it, see :class:`Thresholds`.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

__all__ = [
    "CONCURRENCY",
    "LITERAL",
    "LOAD_TIMEOUT_S",
    "REQUESTS",
    "SWEEP",
    "ManualResult",
    "Thresholds",
    "count_goroutines",
    "examine",
    "run_hey",
]

REQUESTS = 10_000
CONCURRENCY = 100
HEAP_WAIT_S = 5.0
GOROUTINE_WAIT_S = 10.0
LOAD_TIMEOUT_S = 120.0

_TOTAL = re.compile(r"^Showing nodes accounting for (-?[\d.]+)B", re.MULTILINE)
_GOROUTINES = re.compile(rb"goroutine profile: total (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where growth between the two captures counts as a leak: either above its limit is enough."""

    heap_bytes: float
    goroutines: float

    def __str__(self) -> str:
        return f"> {self.heap_bytes / 1024:g} KiB or > {self.goroutines:g} goroutines"


LITERAL = Thresholds(heap_bytes=1024 * 1024, goroutines=10)
"""What a careful reader of the guide's pages would look for: a visible MB, or more goroutines than chance."""

SWEEP = tuple(
    Thresholds(heap_bytes=kib * 1024, goroutines=goroutines)
    for kib in (0, 256, 512, 1024, 2048, 4096, 8192, 16384)
    for goroutines in (0, 10, 100, 1000)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualResult:
    """What the procedure shows about one endpoint."""

    duration_s: float
    heap_bytes: float
    """Growth of ``inuse_space`` that ``go tool pprof -top -base`` reports."""
    goroutines: int
    """Growth of the goroutine profile's total."""
    shown: str
    """What there is to read: the table of pprof, and the lines that diff adds."""

    def is_leak(self, thresholds: Thresholds) -> bool:
        """Whether *thresholds* read this result as a leak."""
        return self.heap_bytes > thresholds.heap_bytes or self.goroutines > thresholds.goroutines


def examine(send: Callable[[], None], client: httpx.Client, *, pprof_url: str, folder: Path) -> ManualResult:
    """Carry out the procedure on one endpoint.

    Args:
        send: sends the load, see :func:`run_hey`; what it raises is passed on.
        client: authenticated at *pprof_url*.
        pprof_url: of the pprof index.
        folder: for the two heap profiles.

    Raises:
        subprocess.SubprocessError: pprof failed.
        httpx.HTTPError: a profile could not be had.

    """
    before, after = folder / "heap_before.prof", folder / "heap_after.prof"
    started = time.monotonic()
    before.write_bytes(_get(client, f"{pprof_url}/heap?gc=1"))
    goroutines_before = _get(client, f"{pprof_url}/goroutine?debug=1")
    send()
    time.sleep(HEAP_WAIT_S)
    after.write_bytes(_get(client, f"{pprof_url}/heap?gc=1"))
    time.sleep(GOROUTINE_WAIT_S - HEAP_WAIT_S)
    goroutines_after = _get(client, f"{pprof_url}/goroutine?debug=1")
    table = _top(before, after)
    added = _added_lines(goroutines_before.decode(), goroutines_after.decode())
    duration_s = time.monotonic() - started
    total = _TOTAL.search(table)
    return ManualResult(
        duration_s=duration_s,
        heap_bytes=float(total[1]) if total else 0.0,
        goroutines=_count(goroutines_after) - _count(goroutines_before),
        shown=f"{table}\n{added}",
    )


def run_hey(hey: str, url: str) -> None:
    """Send the guide's load to *url*.

    Raises:
        subprocess.SubprocessError: hey failed, or took longer than 120 s.

    """
    load = [hey, "-n", str(REQUESTS), "-c", str(CONCURRENCY), url]
    subprocess.run(load, stdout=subprocess.DEVNULL, check=True, timeout=LOAD_TIMEOUT_S)


def count_goroutines(client: httpx.Client, pprof_url: str) -> int:
    """Return how many goroutines the service has.

    Raises:
        httpx.HTTPError: the profile could not be had.

    """
    return _count(_get(client, f"{pprof_url}/goroutine?debug=1"))


def _get(client: httpx.Client, url: str) -> bytes:
    return client.get(url).raise_for_status().content


def _top(before: Path, after: Path) -> str:
    # Bytes instead of "1.50MB": the thresholds want numbers. Nothing is hidden for being small.
    command = ["go", "tool", "pprof", "-top", "-unit=B", "-sample_index=inuse_space", "-nodefraction=0"]
    return subprocess.run(
        [*command, f"-base={before}", str(after)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def _added_lines(before: str, after: str) -> str:
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in diff if line.startswith("+"))


def _count(profile: bytes) -> int:
    found = _GOROUTINES.match(profile)
    assert found, profile[:80]
    return int(found[1])
