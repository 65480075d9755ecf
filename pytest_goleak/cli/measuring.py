"""Checks of what can be measured: levels, places, proof, load, and the judge itself."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.check.reading import fetch, read
from pytest_goleak.cli.check import Check, Status
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import Endpoint, RunPlan
from pytest_goleak.model.protocols import Fetcher, LoadJob
from pytest_goleak.model.units import format_bytes, format_seconds
from pytest_goleak.pprof.text import parse_heap
from pytest_goleak.session.selftest import Control, ControlOutcome, run_control
from pytest_goleak.session.session import GoleakSession

__all__ = ["check_controls", "check_load", "check_signals"]

REQUESTS = 5
"""Requests of each endpoint that show whether it can be driven."""

SLOW_LOOK_S = 0.5
"""Beyond this a look at the levels costs too much for many rounds within a budget of 30 s."""

_CONTROL_STATUS = {
    ControlOutcome.PASSED: Status.OK,
    ControlOutcome.FAILED: Status.FAIL,
    ControlOutcome.NOT_PLANTED: Status.WARN,
}


def check_signals(plan: RunPlan, equipment: Equipment) -> Iterator[Check]:
    """Yield what the service lets one measure."""
    for name, check in (("levels", _levels), ("places", _places), ("proof", _proof)):
        try:
            yield check(plan, equipment)
        except GoleakError as problem:
            yield Check(name=name, status=Status.FAIL, detail=str(problem))
    yield _delta(equipment.fetcher)


def _levels(_plan: RunPlan, equipment: Equipment) -> Check:
    seen = equipment.source.observe(collections=2)
    is_slow = seen.cost_s > SLOW_LOOK_S
    return Check(
        name="levels",
        status=Status.WARN if is_slow else Status.OK,
        detail=f"exact counters: {format_bytes(seen.heap_bytes)} in {seen.heap_objects:,} objects, "
        f"{seen.goroutines:,} goroutines; a look takes {format_seconds(seen.cost_s)}",
        advice="A budget of some minutes makes up for it; memprofilerate = 524288 makes looks faster."
        if is_slow
        else "",
    )


def _places(plan: RunPlan, equipment: Equipment) -> Check:
    rate = read(fetch(equipment.fetcher, "heap", debug=1), parse_heap).rate
    if rate <= 0:
        return Check(
            name="places",
            status=Status.WARN,
            detail="the service has switched its heap profile off: leaks are found, and their places are not",
            advice="Remove runtime.MemProfileRate = 0 from the service, or memprofilerate=0 from GODEBUG.",
        )
    if rate == 1:
        return Check(name="places", status=Status.OK, detail="the heap profile is exact")
    advice = "" if plan.target.is_started_by_us else f"GODEBUG=memprofilerate={32 * 1024} names smaller leaks sooner."
    return Check(
        name="places",
        status=Status.OK,
        detail=f"the heap profile has a sample every {format_bytes(rate)}: a place is named once some "
        f"{format_bytes(16 * rate)} leaked there",
        advice=advice if rate > 32 * 1024 else "",
    )


def _proof(_plan: RunPlan, equipment: Equipment) -> Check:
    proven = equipment.source.proven_leaks()
    if proven is None:
        return Check(
            name="proof",
            status=Status.OK,
            detail="no goroutineleak profile (Go 1.27, or 1.26 with GOEXPERIMENT=goroutineleakprofile): goroutine "
            "leaks are found by counting",
        )
    return Check(
        name="proof",
        status=Status.WARN if proven else Status.OK,
        detail=f"the runtime proves goroutine leaks; {proven:,} of them at this moment",
        advice="These leaked before any test: look at goroutineleak?debug=1." if proven else "",
    )


def _delta(fetcher: Fetcher) -> Check:
    try:
        fetcher.fetch("allocs", seconds=1)
    except GoleakError:
        return Check(name="delta", status=Status.OK, detail="no profiles over a time (seconds=N); none is needed")
    return Check(
        name="delta",
        status=Status.OK,
        detail="profiles over a time (seconds=N) are served; leak tests take whole ones, since in-use values of such "
        "a delta are wrong (golang/go#67942)",
    )


def check_load(session: GoleakSession, endpoint: Endpoint) -> Check:
    """Return how the service answers a few requests of *endpoint*."""
    name = f"load {endpoint.name}"
    try:
        driver = session.driver(endpoint.load.driver)
        if (why := driver.unsupported(endpoint)) is not None:
            return Check(name=name, status=Status.FAIL, detail=f"load driver {driver.name} can't send it: {why}")
        job = LoadJob(
            endpoint=endpoint,
            base_url=session.service.target.url,
            requests=REQUESTS,
            concurrency=1,
            seed=endpoint.measure.seed,
            deadline_s=endpoint.load.timeout_s,
            socket=session.service.target.socket,
        )
        result = driver.run(job)
    except GoleakError as problem:
        return Check(name=name, status=Status.FAIL, detail=str(problem))
    counts = {**{str(status): count for status, count in result.status_codes.items()}, **result.errors}
    said = ", ".join(f"{what} x{count}" for what, count in counts.items())
    if result.completed == result.planned and not result.unexpected:
        took = f", {1000 * result.latency_s:.1f} ms each" if result.latency_s else ""
        return Check(name=name, status=Status.OK, detail=f"{said}{took}")
    return Check(
        name=name,
        status=Status.FAIL,
        detail=f"{said}; expected {', '.join(endpoint.expect)}",
        advice="Mend path, headers or body of the endpoint, or declare these statuses with 'expect'.",
    )


def check_controls(session: GoleakSession, plan: RunPlan) -> Iterator[Check]:
    """Yield whether known leaks are found on the first endpoint, and nothing else is."""
    if not plan.endpoints:
        yield Check(
            name="selftest",
            status=Status.FAIL,
            detail="there is no endpoint to plant a leak in",
            advice="Name one in goleak.toml, such as a health check.",
        )
        return
    for control in Control:
        result = run_control(session, control, plan.endpoints[0], item_id="selftest")
        yield Check(name=f"selftest {control.value}", status=_CONTROL_STATUS[result.outcome], detail=result.message)
