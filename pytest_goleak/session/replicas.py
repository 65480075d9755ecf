"""Whether one single process answers at the URL: levels of two that take turns mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from itertools import pairwise

from pytest_goleak.check.reading import fetch, read
from pytest_goleak.model.errors import GoleakError, TargetError
from pytest_goleak.model.profile import MemStats
from pytest_goleak.model.protocols import Fetcher
from pytest_goleak.pprof.text import parse_memstats

__all__ = ["CONNECTIONS", "require_one_process"]

CONNECTIONS = 8
"""Connections open at once that the service is asked on: of two replicas chosen at random, both answer in 99 %."""

_ADVICE = "Point goleak at one single process: a replica's own address, not a load balancer's."


def require_one_process(connect: Callable[[], AbstractContextManager[Fetcher]]) -> None:
    """Ask on several new connections, each opened by *connect*, whether the same process answers.

    Raises:
        TargetError: several processes answer.
        GoleakError: a connection could not be opened or asked, so nothing is known.

    """
    command_lines: set[bytes] = set()
    counters: list[MemStats] = []
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            fetcher = stack.enter_context(connect())
            counters.append(read(fetch(fetcher, "heap", gc=1, debug=1), parse_memstats))
            command_lines.add(_command_line(fetcher))
    if len(command_lines) > 1:
        raise TargetError(
            f"Several processes answer at one URL: {len(command_lines)} different command lines on {CONNECTIONS} "
            f"connections. {_ADVICE}"
        )
    for before, after in pairwise(counters):
        if (why := _differ(before, after)) is not None:
            raise TargetError(f"Several processes answer at one URL: {why}. {_ADVICE}")


def _differ(before: MemStats, after: MemStats) -> str | None:
    """Return why two looks, one after the other, can't be at one process; ``None`` if they can."""
    seen = (
        f"from one connection to the next TotalAlloc went from {before.total_alloc:,} to {after.total_alloc:,} and "
        f"NumGC from {before.num_gc:,} to {after.num_gc:,}"
    )
    if after.total_alloc < before.total_alloc or after.num_gc < before.num_gc:
        return f"{seen}, and neither ever falls in one process"
    # Replicas of the same age have much the same counters. But a process counts each of its collections, and each
    # look asks for one: a new time of the last collection with the old number is another process's.
    if after.num_gc == before.num_gc and after.extra.get("LastGC") != before.extra.get("LastGC"):
        return f"{seen}, yet there was a collection in between"
    return None


def _command_line(fetcher: Fetcher) -> bytes:
    try:
        return fetcher.fetch("cmdline").content
    except GoleakError:
        return b""  # not every service serves it; its counters tell as well
