"""The seams: what the pipeline asks of the outside, and nothing about who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pytest_goleak.model.observation import Capture, LoadResult, Observation, Signal
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.report import RunReport

__all__ = ["Clock", "Fetcher", "LoadDriver", "LoadJob", "Progress", "ProgressListener", "Reporter", "Source", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadJob:
    """One dose of load: exactly so many requests, then silence."""

    endpoint: Endpoint
    base_url: str
    """Origin that relative paths are joined to, without a trailing slash."""
    requests: int
    concurrency: int
    first_number: int = 0
    """Value of ``{n}`` in the first request; it never repeats within a run."""
    same_request: bool = False
    """Whether the first request is sent again and again, placeholders filled in once."""
    seed: int = 1
    """Of the templates' random choices."""
    deadline_s: float = 60.0
    """Longest time for the whole job; requests not answered by then are missing from the result."""
    socket: str | None = None
    """Unix socket to connect to instead of the URL's host."""


class LoadDriver(Protocol):
    """Sends load over HTTP, gRPC or whatever the endpoint speaks."""

    name: str

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why this driver can't drive *endpoint*, or ``None`` if it can."""
        ...

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Send the job's requests and return once all are over and **every connection is closed**.

        *on_progress* gets the number of requests finished so far, a few times a second.

        Raises:
            LoadDriverError: the driver itself failed; failed requests are counted in the result instead.

        """
        ...


class Fetcher(Protocol):
    """Authenticated GET requests to the target's pprof and monitoring URLs."""

    def fetch(self, kind: str, **params: int) -> Capture:
        """Return the profile *kind*, with query parameters such as ``gc=1`` or ``debug=1``.

        Raises:
            FetchError: no usable answer; the message says what was asked, what came, and what to do.

        """
        ...

    def index(self) -> tuple[str, ...]:
        """Return the names of the profiles that the pprof index page offers, sorted."""
        ...


class Source(Protocol):
    """What the judge reads."""

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the levels after so many forced garbage collections, or more while these still free something."""
        ...

    def proven_leaks(self) -> int | None:
        """Return how many goroutines the runtime proves leaked, ``None`` where it can't tell."""
        ...


class Target(Protocol):
    """The service under test, once it is ready."""

    @property
    def url(self) -> str:
        """Origin of the service, without a trailing slash."""
        ...

    @property
    def pprof_url(self) -> str:
        """URL of its pprof index, without a trailing slash."""
        ...

    @property
    def socket(self) -> str | None:
        """Path of the unix socket that the service listens on, if it does."""
        ...

    @property
    def pid(self) -> int | None:
        """Process of a service that we started, ``None`` for one that runs elsewhere."""
        ...

    @property
    def memprofilerate(self) -> int | None:
        """Mean bytes between two samples of its heap profile, where we have set that."""
        ...

    @property
    def is_started_by_us(self) -> bool:
        """Whether it is our process, rather than one that runs elsewhere or has replicas."""
        ...

    def check_alive(self) -> None:
        """Raise :class:`~pytest_goleak.model.errors.TargetError` if the process we started is gone."""
        ...

    def output(self) -> str:
        """Return the last lines the service wrote, empty for one that we did not start."""
        ...


class Clock(Protocol):
    """Time, so that tests need not wait for it."""

    def now(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the measurement of one endpoint is."""

    endpoint: str
    stage: str
    """``warm-up``, ``block 2``, ``draining``, ``attributing`` …"""
    round: int = 0
    rounds: int = 0
    requests: int = 0
    seconds_left: float = 0.0
    foreseen: Mapping[Signal, float] = field(default_factory=dict)
    """Smallest growth per request that the budget is expected to let one see, once that is known."""


ProgressListener = Callable[[Progress], None]


class Reporter(Protocol):
    """Turns a run into a document."""

    name: str

    def render(self, report: RunReport) -> str:
        """Return the document."""
        ...
