"""The same cases judged without the project: by the guide's manual procedure, and by counting goroutines.

Each gets a process of its own, with Go's default heap sampling, and the same load: 10,000 requests from 100
connections. hey sends it as the guide has it; what hey can't send (templates, clients that hang up), our own driver
does.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks.accuracy.cases import Case, plan_of
from benchmarks.accuracy.trial import Growth, Method, Trial
from benchmarks.machine import load_average
from benchmarks.manual_procedure import (
    CONCURRENCY,
    LITERAL,
    LOAD_TIMEOUT_S,
    REQUESTS,
    count_goroutines,
    examine,
)
from pytest_goleak.load.builtin import BuiltinDriver
from pytest_goleak.load.hey import HeyDriver
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver, LoadJob, Target
from pytest_goleak.model.report import Outcome
from pytest_goleak.session.service import DEFAULT_SAMPLE_BYTES
from pytest_goleak.target.open import open_target

__all__ = ["ATTEMPTS", "CONCURRENCY", "MAX_SLEEP_S", "SEED", "count", "grows", "manual", "waits"]

SEED = 1
"""Of the load: neither way has an experiment to be seeded."""

ATTEMPTS = 20
MAX_SLEEP_S = 0.1
"""goleak doubles its sleep from 1 µs on: up to 100 µs today, to 100 ms in earlier releases, which is kinder."""

Sleep = Callable[[float], None]


def manual(case: Case, target: Mapping[str, object], *, hey: str) -> Trial:
    """Return the manual procedure's trial of *case*, judged by :data:`~benchmarks.manual_procedure.LITERAL`."""
    with _opened(case, target) as (service, endpoint, client, folder):
        return _tried(case, Method.MANUAL, lambda: _by_hand(case, service, endpoint, client, hey=hey, folder=folder))


def count(case: Case, target: Mapping[str, object], *, hey: str) -> Trial:
    """Return the trial of *case* by goroutine counts before and after, with goleak's retries."""
    with _opened(case, target) as (service, endpoint, client, _):
        return _tried(case, Method.COUNTS, lambda: _by_counts(service, endpoint, client, hey=hey))


def grows(before: int, read: Callable[[], int], *, sleep: Sleep = time.sleep) -> bool:
    """Whether more goroutines than *before* are left, however often *read* is asked again: goleak's rule."""
    for wait_s in waits():
        if read() <= before:
            return False
        sleep(wait_s)
    return read() > before


def waits() -> Iterator[float]:
    """Yield the seconds between goleak's attempts."""
    for attempt in range(ATTEMPTS):
        yield min(1e-6 * 2**attempt, MAX_SLEEP_S)


Reading = tuple[Outcome, Growth | None]


def _by_hand(
    case: Case, service: Target, endpoint: Endpoint, client: httpx.Client, *, hey: str, folder: Path
) -> Reading:
    result = examine(lambda: _send(service, endpoint, hey=hey), client, pprof_url=service.pprof_url, folder=folder)
    names = [name for name in (case.truth.function, *case.truth.also) if name]
    growth = Growth(
        heap_bytes=result.heap_bytes,
        goroutines=result.goroutines,
        shows_function=any(name in result.shown for name in names),
    )
    return (Outcome.LEAK if result.is_leak(LITERAL) else Outcome.CLEAN), growth


def _by_counts(service: Target, endpoint: Endpoint, client: httpx.Client, *, hey: str) -> Reading:
    before = count_goroutines(client, service.pprof_url)
    _send(service, endpoint, hey=hey)
    is_leak = grows(before, lambda: count_goroutines(client, service.pprof_url))
    return (Outcome.LEAK if is_leak else Outcome.CLEAN), None


def _tried(case: Case, method: Method, look: Callable[[], Reading]) -> Trial:
    started_s = time.monotonic()
    reason = ""
    try:
        outcome, growth = look()
    except (GoleakError, httpx.HTTPError, OSError, subprocess.SubprocessError) as failure:
        outcome, growth, reason = Outcome.ERROR, None, str(failure)
    return Trial(
        method=method,
        case=case.name,
        category=case.category,
        environment=case.environment,
        truth=case.truth,
        concurrency=CONCURRENCY,
        seed=SEED,
        outcome=outcome,
        duration_s=round(time.monotonic() - started_s, 3),
        reason=reason,
        requests=REQUESTS,
        growth=growth,
        load_average=round(load_average(), 1),
    )


def _send(service: Target, endpoint: Endpoint, *, hey: str) -> None:
    by_hey = HeyDriver(hey)
    driver: LoadDriver = BuiltinDriver() if by_hey.unsupported(endpoint) else by_hey
    driver.run(
        LoadJob(
            endpoint=endpoint,
            base_url=service.url,
            requests=REQUESTS,
            concurrency=CONCURRENCY,
            deadline_s=LOAD_TIMEOUT_S,
        )
    )


@contextmanager
def _opened(case: Case, target: Mapping[str, object]) -> Iterator[tuple[Target, Endpoint, httpx.Client, Path]]:
    plan = plan_of(target, [case], concurrency=CONCURRENCY, seed=SEED)
    with (
        open_target(replace(plan.target, memprofilerate=DEFAULT_SAMPLE_BYTES)) as service,
        httpx.Client(trust_env=False, timeout=60) as client,
        TemporaryDirectory() as folder,
    ):
        yield service, plan.endpoints[0], client, Path(folder)
