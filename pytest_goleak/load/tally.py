"""Counting what became of the requests of one job."""

from __future__ import annotations

from collections import Counter

from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.protocols import LoadJob

__all__ = ["MAX_CONNECT_FAILURES", "Tally", "describe_refusal", "describe_unanswered"]

MAX_CONNECT_FAILURES = 50
"""Connections refused in a row, after which the service is taken for dead and the rest of the job is not sent."""


class Tally:
    """The counts of one job while it runs; every planned request ends as completed or as failed."""

    __slots__ = ("completed", "connections", "errors", "failed", "latency_sum_s", "status_codes")

    def __init__(self) -> None:
        self.completed = 0
        self.connections: int | None = None
        self.failed = 0
        self.latency_sum_s = 0.0
        self.status_codes: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()

    @property
    def finished(self) -> int:
        """Requests that are over, well or badly."""
        return self.completed + self.failed

    def add_answer(self, status: int, latency_s: float, count: int = 1) -> None:
        """Count *count* answers; *status* 0 is one without a status, such as a disconnect that the mode intends."""
        self.completed += count
        self.latency_sum_s += latency_s * count
        if status:
            self.status_codes[status] += count

    def add_connections(self, count: int) -> None:
        """Count connections that were opened."""
        self.connections = (self.connections or 0) + count

    def add_error(self, text: str, count: int = 1) -> None:
        """Count requests that got no answer, for the reason *text*."""
        if count > 0:
            self.failed += count
            self.errors[text] += count

    def add_rest(self, job: LoadJob, text: str) -> None:
        """Count every request of *job* that is not counted yet as one that got no answer, for the reason *text*."""
        self.add_error(text, job.requests - self.finished)

    def merge(self, other: Tally) -> None:
        """Add the counts of another part of the same job."""
        self.completed += other.completed
        self.failed += other.failed
        self.latency_sum_s += other.latency_sum_s
        self.status_codes += other.status_codes
        self.errors += other.errors

    def result(self, job: LoadJob, duration_s: float, *, unexpected: int | None = None) -> LoadResult:
        """Return the counts; *unexpected* is by default what the statuses say that the endpoint expects."""
        expects = job.endpoint.expects
        if unexpected is None:
            unexpected = sum(count for status, count in self.status_codes.items() if not expects(status))
        return LoadResult(
            planned=job.requests,
            completed=self.completed,
            unexpected=unexpected,
            status_codes=dict(sorted(self.status_codes.items())),
            errors=dict(self.errors.most_common()),
            duration_s=duration_s,
            latency_s=self.latency_sum_s / self.completed if self.completed else 0.0,
            connections=self.connections,
        )


def describe_refusal() -> str:
    """Return the text for requests that were not sent because nobody takes connections any more."""
    return f"not sent: the service refused {MAX_CONNECT_FAILURES} connections in a row"


def describe_unanswered(job: LoadJob) -> str:
    """Return the text for requests that the job's deadline cut off."""
    return f"not answered by the deadline of {job.deadline_s:g} s"
