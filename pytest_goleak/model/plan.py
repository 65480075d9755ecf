"""What is to be done: the target, its endpoints, the load and the measure, after every setting is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_goleak.model.auth import Auth
from pytest_goleak.model.observation import Signal

__all__ = ["ClientMode", "Endpoint", "IgnoreRule", "LoadPlan", "MeasurePlan", "RunPlan", "TargetPlan", "Tolerance"]


class ClientMode(StrEnum):
    """How the client of an endpoint behaves."""

    NORMAL = "normal"
    """Sends the request and reads the whole answer."""
    ABORT = "abort"
    """Hangs up as soon as the request is sent."""
    SLOW_READER = "slow_reader"
    """Reads the answer a little at a time."""
    HOLD = "hold"
    """Starts to read the answer, stops, and hangs up after a while."""
    TIMEOUT = "timeout"
    """Waits a short time for the answer, then hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """The service: one that runs already, or one to build, start and stop."""

    url: str | None = None
    build: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    cwd: str = "."
    """Absolute, or relative to :attr:`root`."""
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/"
    """Path polled until it answers 2xx."""
    pprof: str = "/debug/pprof"
    """A path, or a full URL when pprof has a port of its own."""
    memprofilerate: int = 32768
    """Heap sampling (bytes per sample) of a service that we start; 1 is exact.

    Levels are read from a text that lists every sampled place, so finer sampling makes every look slower; 32 KiB gives
    a leak of 256 B some hundred samples in the requests of one verdict.
    """
    source_root: str | None = None
    """Directory of the service's source, where the paths in its profiles do not exist here; as :attr:`cwd`."""
    socket: str | None = None
    """Unix socket that the service listens on; the host in *url* is then only a name."""
    startup_timeout_s: float = 60.0
    build_timeout_s: float = 600.0
    timeout_s: float = 30.0
    """Longest wait for one profile; grows with the time that collections take."""
    max_response_bytes: int = 256 * 1024 * 1024
    """Limit for an answer, both as sent and decompressed."""
    root: str = "."
    """Directory that relative paths start from: that of the configuration file."""

    @property
    def is_started_by_us(self) -> bool:
        """Whether the service is ours to start and stop."""
        return self.command is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """How requests are sent."""

    driver: str = "builtin"
    concurrency: int = 16
    is_fixed: bool = False
    """Whether the user chose the concurrency; otherwise slow endpoints get up to 512 connections."""
    keep_alive: bool = True
    timeout_s: float = 30.0
    """Longest wait for one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Growth per request that an endpoint is allowed; ``clean`` proves that growth is below it."""

    bytes: float = 128.0
    objects: float = 0.1
    goroutines: float = 0.01

    def of(self, signal: Signal) -> float:
        """Return the tolerance for *signal*."""
        match signal:
            case Signal.HEAP_BYTES:
                return self.bytes
            case Signal.HEAP_OBJECTS:
                return self.objects
            case Signal.GOROUTINES:
                return self.goroutines


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePlan:
    """How long to measure, and what counts as growth."""

    budget_s: float = 30.0
    """Longest time for one endpoint."""
    idle_s: float | None = None
    """Longest wait for memory to drain after load, before growth counts as kept; ``None`` is :attr:`wait_s`' choice."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    seed: int = 1

    @property
    def wait_s(self) -> float:
        """The idle wait: as set, else 8 s, or what a short budget leaves room for."""
        return self.idle_s if self.idle_s is not None else min(8.0, 0.3 * self.budget_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One kind of request, repeated as load; templates in it are expanded per request."""

    name: str
    method: str = "GET"
    path: str = "/"
    """Path, or a full URL on an allowed host."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    """Template of the body; JSON and form bodies are rendered to it by the configuration."""
    expect: tuple[str, ...] = ("2xx", "3xx")
    """Statuses (``"201"``) and classes (``"2xx"``) that count as an answer."""
    mode: ClientMode = ClientMode.NORMAL
    xfail: str | None = None
    """Reason why a leak is known and tolerated here."""
    load: LoadPlan = field(default_factory=LoadPlan)
    measure: MeasurePlan = field(default_factory=MeasurePlan)

    def expects(self, status: int) -> bool:
        """Whether *status* is one that the plan calls an answer."""
        return str(status) in self.expect or f"{status // 100}xx" in self.expect


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRule:
    """A known leak: every finding that matches all given patterns is reported, and does not fail."""

    reason: str
    function: str | None = None
    """Glob over every function that a finding names: its own, its top, its creator."""
    top_function: str | None = None
    any_function: str | None = None
    created_by: str | None = None
    expires: str | None = None
    """ISO date after which the rule no longer applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Everything one run does, as read from the configuration file and the options that override it."""

    target: TargetPlan = field(default_factory=TargetPlan)
    auth: Auth = field(default_factory=Auth)
    load: LoadPlan = field(default_factory=LoadPlan)
    measure: MeasurePlan = field(default_factory=MeasurePlan)
    endpoints: tuple[Endpoint, ...] = ()
    ignore: tuple[IgnoreRule, ...] = ()
    source: str | None = None
    """Path of the configuration file, for messages."""
