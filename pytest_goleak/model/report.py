"""What was found: verdicts, findings and reports, and their form as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_goleak.model.growth import GrowthClass, Point
from pytest_goleak.model.observation import Signal

__all__ = ["EndpointReport", "Finding", "Outcome", "RunReport", "SignalEstimate", "TargetInfo", "Verdict"]


class Outcome(StrEnum):
    """The four verdicts; only ``clean`` is a pass."""

    LEAK = "leak"
    CLEAN = "clean"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEstimate:
    """Growth per request of one signal, from the randomised blocks."""

    per_request: float
    low: float
    """One-sided lower confidence bound."""
    high: float
    """One-sided upper confidence bound."""
    p_value: float
    """Of the exact randomisation test that requests make this signal grow."""
    min_detectable: float
    """Smallest growth per request that this run could have called a leak."""
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the experiment proved, before anyone asks where."""

    outcome: Outcome
    reason: str
    """One sentence a person understands."""
    signals: Mapping[Signal, SignalEstimate] = field(default_factory=dict)
    requests: int = 0
    """Requests answered, warm-up included."""
    judged_requests: int = 0
    """Requests that the attributed growth belongs to: those between the two attribution profiles."""
    alpha: float = 0.0
    """Family-wise bound on the probability of a false ``leak`` in this run."""
    drained_in_s: float | None = None
    """How long growth took to go away again, where it did."""
    levelled_after: int | None = None
    """Requests after which growth stopped, where it did."""
    background_per_s: Mapping[Signal, float] = field(default_factory=dict)
    """Growth per second that happens without requests, where it is significant."""
    growth_class: GrowthClass | None = None
    """What kind of growth there was; ``None`` if nothing could be measured."""
    series: tuple[Point, ...] = ()
    """Every level that was read, in order of time."""
    most_left: Mapping[Signal, float] = field(default_factory=dict)
    """The most that all requests left, be it for a while, in the signal's unit; empty where nothing is proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that leaks."""

    rule_id: str
    kind: str
    """``heap`` or ``goroutine``."""
    function: str
    """The user's function first; the runtime's only where no user code is on the stack."""
    file: str
    line: int
    per_request: float
    unit: str
    """``B``, ``objects`` or ``goroutines``."""
    error: float = 0.0
    """Standard error of *per_request* from heap sampling; 0 is exact."""
    objects_per_request: float | None = None
    """For heap findings: objects beside the bytes."""
    state: str | None = None
    created_by: str | None = None
    stack: tuple[str, ...] = ()
    """``function file:line``, leaf first."""
    user_frames: tuple[int, ...] = ()
    """Positions in *stack* of the user's own code."""
    source: tuple[str, ...] = ()
    """Lines of source around the place, numbered, its own marked with ``>``; empty where it is not at hand."""
    hint: str = ""
    """What a terminal shows: what is special here, then explanation, what to look for, fix and link in one text."""
    title: str = ""
    """The cause in a few words."""
    explanation: str = ""
    """The cause in a paragraph, the same for every finding of the rule."""
    look_for: str = ""
    """What to look for in the code."""
    fix: str = ""
    """An example in Go; empty where there is none in general."""
    link: str = ""
    """Where there is more to read."""
    proven: bool = False
    ignored_by: str | None = None
    """Reason of the ignore rule that matched."""
    baseline: str = "new"
    """``new``, ``updated``, ``unchanged`` or ``absent`` against a stored run."""

    @property
    def location(self) -> str:
        """``function (file:line)`` with the file's last two path elements."""
        if not self.file:
            return self.function
        short = "/".join(self.file.split("/")[-2:])
        return f"{self.function} ({short}:{self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """The service that was measured."""

    url: str = ""
    go_version: str = ""
    started_by_us: bool = False
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReport:
    """Everything known about one endpoint after its run."""

    id: str
    name: str
    method: str
    path: str
    outcome: Outcome
    reason: str
    note: str = ""
    """What the attribution could not say, if anything."""
    duration_s: float = 0.0
    requests: int = 0
    unexpected_responses: int = 0
    seed: int = 1
    signals: Mapping[Signal, SignalEstimate] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    artifacts: Mapping[str, str] = field(default_factory=dict)
    reproduce: tuple[str, ...] = ()
    """Shell lines that show the growth by hand, the token as ``$PPROF_TOKEN``."""
    alpha: float = 0.0
    drained_in_s: float | None = None
    levelled_after: int | None = None
    background_per_s: Mapping[Signal, float] = field(default_factory=dict)
    growth_class: GrowthClass | None = None
    """What kind of growth there was; ``None`` if nothing could be measured."""
    series: tuple[Point, ...] = ()
    """Every level that was read, in order of time."""
    screened_with: int | None = None
    """How many other endpoints were proven clean in the same screen, ``None`` for one that was examined alone."""
    xfail: str | None = None

    @property
    def is_clean(self) -> bool:
        """Whether the run proved that growth is below the tolerance."""
        return self.outcome is Outcome.CLEAN

    @property
    def new_findings(self) -> tuple[Finding, ...]:
        """The findings that no ignore rule covers, and that an older build does not have as well."""
        return tuple(
            finding for finding in self.findings if finding.ignored_by is None and finding.baseline != "unchanged"
        )

    @property
    def is_known(self) -> bool:
        """Whether this is a leak, and every finding of it is a known one."""
        return self.outcome is Outcome.LEAK and bool(self.findings) and not self.new_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A whole run."""

    tool_version: str
    target: TargetInfo
    seed: int
    endpoints: tuple[EndpointReport, ...] = ()
    source: str | None = None
    """Path of the configuration file; part of no document, it says where known leaks are written."""
