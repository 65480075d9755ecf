"""One endpoint from its plan to its report, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_goleak.check.snapshot import Snapshot, goroutine_growth, heap_diff, heap_growth, take
from pytest_goleak.findings.attribute import Attribution, attribute
from pytest_goleak.findings.hints import Rule
from pytest_goleak.findings.source import SourceReader
from pytest_goleak.measure.conduct import Bench, conduct
from pytest_goleak.measure.stream import LoadStream
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import Clock, Fetcher, LoadDriver, ProgressListener, Source, Target
from pytest_goleak.model.report import EndpointReport, Outcome, Verdict
from pytest_goleak.stats.experiment import experiment

__all__ = ["Equipment", "Examination", "check_endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What endpoints of one target are examined with."""

    target: Target
    fetcher: Fetcher
    source: Source
    clock: Clock
    profiles: tuple[str, ...] = ()
    """Names of the profiles that the service offers."""
    sample_bytes: int = 512 * 1024
    """Mean bytes between two samples of the service's heap profile."""
    socket: str | None = None
    read_source: SourceReader | None = None
    """Gives the lines around a place in the source, where it is at hand."""
    extra_rules: Sequence[Rule] = ()
    """Diagnosis rules of third parties, asked first."""
    past: list[Measured] = field(default_factory=list)
    """Earlier measurements of this process; each adds itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A report, and the profiles it rests on."""

    report: EndpointReport
    profiles: dict[str, bytes] = field(default_factory=dict)
    """``heap_before``, ``heap_after``, ``heap_diff``, ``goroutine_before`` …: as ``go tool pprof`` opens them."""


def check_endpoint(
    endpoint: Endpoint,
    *,
    driver: LoadDriver,
    equipment: Equipment,
    item_id: str,
    is_varied: bool = False,
    listen: ProgressListener = lambda _: None,
) -> Examination:
    """Examine one endpoint: measure, decide, and say where it leaks if it does.

    *is_varied* says that its requests differ from one another: then a leak is tried with equal ones, too. Never raises
    for what went wrong with the service: that is the outcome ``error``, with its reason.
    """
    started = equipment.clock.now()
    snapshots: dict[str, Snapshot] = {}
    stream = LoadStream(endpoint, target=equipment.target, driver=driver, socket=equipment.socket)
    bench = Bench(
        stream=stream,
        source=equipment.source,
        clock=equipment.clock,
        take_snapshot=lambda name: snapshots.update({name: _take(equipment)}),
        listen=listen,
        budget_s=endpoint.measure.budget_s,
        past=equipment.past,
    )
    attribution = Attribution()
    try:
        trial = experiment(
            endpoint.measure,
            sample_bytes=equipment.sample_bytes,
            name=endpoint.name,
            is_varied=is_varied,
            past=tuple(equipment.past),
        )
        verdict = conduct(trial, bench)
        attribution = _explain(verdict, snapshots, equipment)
    except GoleakError as failure:
        verdict = Verdict(outcome=Outcome.ERROR, reason=_cause(failure, equipment.target), requests=stream.sent)
    report = EndpointReport(
        id=item_id,
        name=endpoint.name,
        method=endpoint.method,
        path=endpoint.path,
        outcome=verdict.outcome,
        reason=verdict.reason,
        note=attribution.note,
        duration_s=equipment.clock.now() - started,
        requests=verdict.requests,
        unexpected_responses=stream.unexpected,
        seed=endpoint.measure.seed,
        signals=verdict.signals,
        findings=attribution.findings,
        alpha=verdict.alpha,
        drained_in_s=verdict.drained_in_s,
        levelled_after=verdict.levelled_after,
        background_per_s=verdict.background_per_s,
        growth_class=verdict.growth_class,
        series=verdict.series,
        xfail=endpoint.xfail,
    )
    return Examination(report=report, profiles=_profiles(snapshots))


def _take(equipment: Equipment) -> Snapshot:
    return take(equipment.fetcher, proves=equipment.source.proven_leaks() is not None)


def _explain(verdict: Verdict, snapshots: dict[str, Snapshot], equipment: Equipment) -> Attribution:
    """Say where it leaks, or keep the last profiles of what does not; a service that fails now changes no verdict."""
    try:
        if verdict.outcome is not Outcome.LEAK:
            snapshots["after"] = _take(equipment)
        elif "after" in snapshots:
            return _attribute(verdict, snapshots, equipment)
        else:
            return Attribution(note=_without_profiles(equipment.target))
    except GoleakError as failure:
        return Attribution(note=f"The last profiles could not be had: {failure}")
    return Attribution()


def _without_profiles(target: Target) -> str:
    """Say why a leak that was certain has no place: its profiles are those of the process that showed it."""
    note = "No place can be named: the measurement broke off before profiles of the growth were taken."
    try:
        target.check_alive()
    except GoleakError as death:
        return f"{note} {death}"
    return f"{note} The verdict says why; with what it names mended, a further run names the place."


def _attribute(verdict: Verdict, snapshots: dict[str, Snapshot], equipment: Equipment) -> Attribution:
    before, after = snapshots["before"], snapshots["after"]
    return attribute(
        goroutines=goroutine_growth(before, after, equipment.fetcher),
        heap=heap_growth(before, after),
        requests=verdict.judged_requests,
        estimates=verdict.signals,
        read_source=equipment.read_source,
        extra_rules=equipment.extra_rules,
    )


def _cause(failure: GoleakError, target: Target) -> str:
    """Return the message of *failure*, or that of the service's own death if that is what is behind it."""
    try:
        target.check_alive()
    except GoleakError as death:
        return str(death)
    return str(failure)


def _profiles(snapshots: dict[str, Snapshot]) -> dict[str, bytes]:
    profiles: dict[str, bytes] = {}
    for name, snapshot in snapshots.items():
        profiles[f"heap_{name}"] = snapshot.heap.content
        profiles[f"goroutine_{name}"] = snapshot.goroutine.content
        if snapshot.goroutineleak is not None:
            profiles[f"goroutineleak_{name}"] = snapshot.goroutineleak.content
    if {"before", "after"} <= snapshots.keys():
        profiles["heap_diff"] = heap_diff(snapshots["before"], snapshots["after"])
    return profiles
