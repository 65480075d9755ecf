"""Turn the growth of sites into findings: merged, judged against noise, explained, the likeliest cause first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from pytest_goleak.findings.blame import Origin, origin, user_frames
from pytest_goleak.findings.cluster import Cluster, cluster_sites
from pytest_goleak.findings.hints import CONSEQUENCE, ENDING, HEAP, KEEPERS, Facts, Rule, explain
from pytest_goleak.findings.hints.flow import find_store
from pytest_goleak.findings.opener import Opener, find_opener
from pytest_goleak.findings.related import is_kept_by
from pytest_goleak.findings.source import Excerpt, SourceReader
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.profile import Frame, SiteGrowth
from pytest_goleak.model.report import Finding, Outcome, SignalEstimate
from pytest_goleak.model.units import format_bytes

__all__ = ["Attribution", "attribute"]

_MOST_FINDINGS = 10
_SIGMAS = 2.0
_SMALLEST_SHARE = 0.05
_ENOUGH_EXPLAINED = 0.3
# Growth per request that is worth naming where no estimate says how much there is in all.
_NOTICEABLE = {Signal.HEAP_BYTES: 8.0, Signal.HEAP_OBJECTS: 0.005}
_CERTAINTY = {Outcome.LEAK: 0, Outcome.INCONCLUSIVE: 1, Outcome.ERROR: 1, Outcome.CLEAN: 2}

Estimates = Mapping[Signal, SignalEstimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """What the profiles say about where an endpoint's growth is."""

    findings: tuple[Finding, ...] = ()
    explained_bytes: float | None = None
    """Share of the estimated byte growth that the heap profile accounts for, 1 is all; ``None`` without estimate."""
    note: str = ""
    """What the profiles could not tell, in a sentence; empty if they tell enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """A cluster on its way to a finding."""

    cluster: Cluster
    rule: Rule
    opener: Opener | None = None
    held_bytes: float = 0.0
    """Of a leaked goroutine: growth of memory that was allocated in its own place."""
    keeper: Frame | None = None
    """Of memory whose own place does not tell its cause: the place of the memory that does."""

    @property
    def frame(self) -> Frame:
        """The frame that the finding names."""
        return self.opener.frame if self.opener else self.cluster.frame

    @property
    def reaches_user(self) -> bool:
        return origin(self.frame) is Origin.USER


def attribute(
    *,
    goroutines: Sequence[SiteGrowth],
    heap: Sequence[SiteGrowth],
    requests: int,
    estimates: Estimates,
    read_source: SourceReader | None = None,
    extra_rules: Iterable[Rule] = (),
) -> Attribution:
    """Return the findings in what grew over *requests* requests, the likeliest cause first.

    Findings that reach the user's code come first, among them leaked goroutines before memory: a goroutine keeps its
    stack and all that it refers to, so memory of the same code is then a consequence. *read_source* shows the blamed
    lines to the rules and to the reader.

    Raises:
        ValueError: *requests* is not positive.

    """
    if requests <= 0:
        raise ValueError(f"growth over {requests} requests has no rate; expected at least 1 request")
    rules = tuple(extra_rules)
    threads = _goroutine_leads(goroutines, heap, requests, rules, read_source)
    leaking = frozenset(name for lead in threads for name in _names(lead))
    clusters = cluster_sites(heap)
    memory = [
        _Lead(cluster=cluster, rule=_explain(cluster, rules, read_source, leaking=leaking))
        for cluster in clusters
        if not _is_clean(estimates) and _is_significant(cluster, requests, estimates)
    ]
    memory = [_with_keeper(lead, memory, read_source) for lead in memory]
    leads = _without_side_effects(threads, memory)
    leads.sort(key=lambda lead: _rank(lead, estimates))
    findings = tuple(_finding(lead, requests, read_source) for lead in leads[:_MOST_FINDINGS])
    return _summed_up(findings, memory, requests, estimates)


def _goroutine_leads(
    goroutines: Sequence[SiteGrowth],
    heap: Sequence[SiteGrowth],
    requests: int,
    rules: Sequence[Rule],
    read_source: SourceReader | None,
) -> list[_Lead]:
    leads = []
    for cluster in cluster_sites(goroutines):
        if cluster.objects < max(2.0, 0.0005 * requests):
            continue
        opener = None if origin(cluster.frame) is Origin.USER else find_opener(cluster, heap)
        leads.append(_Lead(cluster=cluster, rule=_explain(cluster, rules, read_source, opener=opener), opener=opener))
    return leads


def _explain(
    cluster: Cluster,
    rules: Sequence[Rule],
    read_source: SourceReader | None,
    *,
    opener: Opener | None = None,
    leaking: frozenset[str] = frozenset(),
) -> Rule:
    places = _places(cluster, read_source)
    shown = places[0] if places else None
    facts = Facts(
        kind=cluster.kind,
        state=cluster.state,
        functions=cluster.functions,
        callees=cluster.callees,
        user=cluster.user.function if cluster.user else None,
        created_by=cluster.created_by.function if cluster.created_by else None,
        opener_callees=opener.callees if opener else (),
        leaking=leaking,
        source=shown.line if shown else "",
        body=shown.body if shown else (),
        places=places,
        store=find_store(places) if cluster.kind == "heap" else None,
    )
    return explain(facts, rules)


def _with_keeper(lead: _Lead, memory: Sequence[_Lead], read_source: SourceReader | None) -> _Lead:
    """Give memory of unknown cause the cause of other memory, where a call that gets it is what grows there."""
    if lead.rule is not HEAP:
        return lead
    places = _places(lead.cluster, read_source)
    for other in memory:
        if other.rule.id in KEEPERS and is_kept_by(lead.cluster, places, other.cluster):
            return replace(lead, rule=other.rule, keeper=other.frame)
    return lead


def _places(cluster: Cluster, read_source: SourceReader | None) -> tuple[Excerpt, ...]:
    """Return the source of the user's frames, leaf first, up to the first one that is not at hand."""
    if read_source is None or cluster.user is None:
        return ()
    shown = (read_source(cluster.stack[position]) for position in user_frames(cluster.stack))
    return tuple(place for place in takewhile(lambda place: place is not None, shown) if place)


def _names(lead: _Lead) -> tuple[str, ...]:
    """Return the functions whose memory a leaked goroutine is likely to hold."""
    created_by = lead.cluster.created_by
    named = lead.frame.function
    return (named, created_by.function) if created_by and origin(created_by) is Origin.USER else (named,)


def _is_clean(estimates: Estimates) -> bool:
    """Whether the experiment proved that the heap does not grow, whatever single sites did."""
    judged = [estimates[signal] for signal in (Signal.HEAP_BYTES, Signal.HEAP_OBJECTS) if signal in estimates]
    return bool(judged) and all(estimate.outcome is Outcome.CLEAN for estimate in judged)


def _heap_signals(estimates: Estimates) -> tuple[Signal, ...]:
    """Return the heap's signals that leak; both where neither or none is known to.

    Under noise of megabytes only the objects may tell: then growth of bytes at some site says nothing.
    """
    both = (Signal.HEAP_BYTES, Signal.HEAP_OBJECTS)
    leaking = tuple(s for s in both if s in estimates and estimates[s].outcome is Outcome.LEAK)
    return leaking or both


def _is_significant(cluster: Cluster, requests: int, estimates: Estimates) -> bool:
    grown = {
        Signal.HEAP_BYTES: (cluster.bytes, cluster.bytes_error),
        Signal.HEAP_OBJECTS: (cluster.objects, cluster.objects_error),
    }
    for signal in _heap_signals(estimates):
        growth, error = grown[signal]
        floor = _growth(estimates, signal, requests)
        floor = _SMALLEST_SHARE * floor if floor else _NOTICEABLE[signal] * requests
        if growth > 0 and growth >= floor and growth >= _SIGMAS * error:
            return True
    return False


def _growth(estimates: Estimates, signal: Signal, requests: int) -> float | None:
    """Return the estimated growth in *requests* requests, ``None`` where there is no positive estimate."""
    estimate = estimates.get(signal)
    if estimate is None or not math.isfinite(estimate.per_request) or estimate.per_request <= 0:
        return None
    return estimate.per_request * requests


def _without_side_effects(threads: Sequence[_Lead], memory: Sequence[_Lead]) -> list[_Lead]:
    """Leave out what is no finding of its own.

    That is goroutines that serve a call in which another is blocked, and memory: the runtime's, what a library keeps
    for its leaked goroutines, and what was allocated in the very place of a leaked goroutine. The goroutine's finding
    then says how much.
    """
    # A connection whose opener still waits in that very call is in use, and ends with it.
    waiting = {lead.cluster.user for lead in threads}
    threads = [lead for lead in threads if lead.opener is None or lead.opener.frame not in waiting]
    libraries = {lead.cluster.library for lead in threads}
    places = {lead.frame for lead in threads}
    held = {lead.frame: lead.cluster.bytes for lead in memory if lead.rule is CONSEQUENCE and lead.frame in places}
    kept = [
        lead
        for lead in memory
        if lead.frame not in held and (lead.reaches_user or lead.cluster.library not in libraries)
    ]
    useful = [lead for lead in kept if origin(lead.frame) is not Origin.RUNTIME]
    found = [replace(lead, held_bytes=held.get(lead.frame, 0.0)) for lead in threads]
    return [*found, *useful] if useful or found else kept


def _rank(lead: _Lead, estimates: Estimates) -> tuple[object, ...]:
    cluster = lead.cluster
    is_goroutine = cluster.kind == "goroutine"
    signals = (Signal.GOROUTINES,) if is_goroutine else (Signal.HEAP_BYTES, Signal.HEAP_OBJECTS)
    judged = [_CERTAINTY[estimates[signal].outcome] for signal in signals if signal in estimates]
    if is_goroutine and _have_grown(estimates):
        judged.append(_CERTAINTY[Outcome.LEAK])
    return (
        0 if cluster.is_proven else min(judged, default=0),
        not lead.reaches_user,
        not is_goroutine,
        not cluster.is_proven,
        lead.rule is CONSEQUENCE,
        lead.keeper is not None and lead.rule.id in ENDING,
        -(cluster.bytes if Signal.HEAP_BYTES in _heap_signals(estimates) and not is_goroutine else cluster.objects),
        str(cluster.frame),
    )


def _have_grown(estimates: Estimates) -> bool:
    """Whether goroutines grew beyond doubt, and only what became of them in the idle wait is not known.

    Where others end in that wait, the memory that goroutines hold may be the only certain leak.
    """
    known = estimates.get(Signal.GOROUTINES)
    return known is not None and known.outcome is Outcome.INCONCLUSIVE and known.low > 0


def _finding(lead: _Lead, requests: int, read_source: SourceReader | None) -> Finding:
    cluster, rule = lead.cluster, lead.rule
    frame = lead.frame
    shown = read_source(frame) if read_source else None
    finding = Finding(
        rule_id=rule.id,
        kind=cluster.kind,
        function=frame.function,
        # With -trimpath the profile names a module, which is no path that an editor or a code host could open.
        file=shown.path if shown and not Path(frame.file).is_absolute() else frame.file,
        line=frame.line,
        per_request=cluster.objects / requests,
        unit="goroutines",
        state=cluster.state,
        created_by=cluster.created_by.function if cluster.created_by else None,
        stack=tuple(str(each) for each in cluster.stack),
        user_frames=user_frames(cluster.stack),
        source=shown.context if shown else (),
        hint=_hint(lead, requests),
        title=rule.title,
        explanation=rule.why,
        look_for=rule.look_for,
        fix=rule.fix,
        link=rule.link,
        proven=cluster.is_proven,
    )
    return finding if cluster.kind == "goroutine" else _with_heap_figures(finding, cluster, requests)


def _hint(lead: _Lead, requests: int) -> str:
    parts = [lead.rule.hint()]
    if lead.opener:
        parts.insert(0, f"Opened by {lead.frame.function}: memory of that call grew together with these goroutines.")
    if lead.keeper:
        parts.insert(
            0, f"Kept by way of {lead.keeper.function} (line {lead.keeper.line}), which grew together with it."
        )
    if lead.held_bytes > 0:
        held = format_bytes(lead.held_bytes / requests)
        parts.insert(1, f"Memory allocated in the same place grew along with the goroutines: {held} per request.")
    return "\n\n".join(parts)


def _with_heap_figures(finding: Finding, cluster: Cluster, requests: int) -> Finding:
    objects = cluster.objects / requests
    # Bytes say more, unless sampling tells less of them than of the objects.
    if cluster.bytes > 0 and cluster.bytes >= _SIGMAS * cluster.bytes_error:
        return replace(
            finding,
            per_request=cluster.bytes / requests,
            unit="B",
            error=cluster.bytes_error / requests,
            objects_per_request=objects,
        )
    return replace(finding, per_request=objects, unit="objects", error=cluster.objects_error / requests)


def _summed_up(
    findings: tuple[Finding, ...], memory: Sequence[_Lead], requests: int, estimates: Estimates
) -> Attribution:
    """Say how much of the growth the heap profile accounts for, and what it means where that is little."""
    sums = {
        Signal.HEAP_BYTES: math.fsum(lead.cluster.bytes for lead in memory),
        Signal.HEAP_OBJECTS: math.fsum(lead.cluster.objects for lead in memory),
    }
    shares = {
        signal: max(0.0, total / growth)
        for signal, total in sums.items()
        if (growth := _growth(estimates, signal, requests)) is not None
    }
    doubtful = [share for signal, share in shares.items() if estimates[signal].outcome is Outcome.LEAK]
    note = ""
    if doubtful and max(doubtful) < _ENOUGH_EXPLAINED:
        note = (
            f"The heap profile accounts for only {100 * max(doubtful):.0f} % of the growth, so its place is not known "
            "for certain: too little of it was sampled. GODEBUG=memprofilerate=1 in the service's environment (for a "
            "service that we start: memprofilerate = 1 under [target]) or a larger budget would name it."
        )
    return Attribution(findings=findings, explained_bytes=shares.get(Signal.HEAP_BYTES), note=note)
