"""The load of one endpoint, dose by dose, with every dose checked for what was planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver, LoadJob, Target

__all__ = ["LoadStream", "Stream"]

SLOW_ANSWER_S = 0.02
"""Answers that take longer leave the service idle between a few connections."""

RAISE = 4
"""Factor by which the connections are raised at a time."""

WORTHWHILE = 1.5
"""Factor by which throughput has to rise with them."""

MAX_TRIAL_S = 1.5
"""Where a trial takes longer, another one costs too much of the budget."""

MAX_CONCURRENCY = 256

VERY_SLOW_ANSWER_S = 0.2
"""Answers that take longer leave it idle even then."""

MAX_CONCURRENCY_IF_VERY_SLOW = 512
"""Half of the descriptors that a process may have by default."""


class Stream(Protocol):
    """What sends the doses of an experiment."""

    concurrency: int
    sent: int
    """Requests so far."""

    @property
    def name(self) -> str:
        """Name of what is examined."""
        ...

    @property
    def timeout_s(self) -> float:
        """Longest wait for one answer."""
        ...

    def send(
        self,
        requests: int,
        *,
        deadline_s: float,
        same_request: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> LoadResult:
        """Send exactly *requests* requests; return once all are over and all connections closed."""
        ...

    def raise_concurrency(self, result: LoadResult) -> bool:
        """Use more connections where answers are slow; return whether there are more now."""
        ...

    def lower_concurrency(self) -> bool:
        """Go back to the connections before they were raised; return whether they had been."""
        ...


class LoadStream:
    """Sends doses, numbers the requests through, and refuses doses that were not answered in full."""

    def __init__(self, endpoint: Endpoint, *, target: Target, driver: LoadDriver, socket: str | None = None) -> None:
        self.endpoint = endpoint
        self.concurrency = endpoint.load.concurrency
        self.sent = 0
        self.unexpected = 0
        self._most = self.concurrency if endpoint.load.is_fixed else MAX_CONCURRENCY_IF_VERY_SLOW
        self._before: tuple[int, float] | None = None
        """Connections before they were raised, and the throughput that these had."""
        self._target = target
        self._driver = driver
        self._socket = socket

    @property
    def name(self) -> str:
        """Name of the endpoint."""
        return self.endpoint.name

    @property
    def timeout_s(self) -> float:
        """Longest wait for one answer."""
        return self.endpoint.load.timeout_s

    def send(
        self,
        requests: int,
        *,
        deadline_s: float,
        same_request: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> LoadResult:
        """Send exactly *requests* requests; return once all are over and all connections closed.

        With *same_request* all of them are the same one, whatever placeholders the endpoint has.

        Raises:
            TargetError: the process we started is gone.
            LoadDriverError: fewer answers than planned, or too many of an unexpected status.

        """
        job = LoadJob(
            endpoint=self.endpoint,
            base_url=self._target.url,
            requests=requests,
            concurrency=self.concurrency,
            first_number=self.sent,
            same_request=same_request,
            seed=self.endpoint.measure.seed + self.sent,
            deadline_s=deadline_s,
            socket=self._socket,
        )
        result = self._driver.run(job, on_progress)
        self.sent += requests
        self.unexpected += result.unexpected
        self._check(result)
        return result

    def raise_concurrency(self, result: LoadResult) -> bool:
        """Use more connections where answers are slow, as long as throughput follows; return whether there are more."""
        if self._before and result.rate < WORTHWHILE * self._before[1]:
            self.lower_concurrency()
            return False
        more = self._raised(result)
        self._before = (self.concurrency, result.rate) if more > self.concurrency else None
        self.concurrency = more
        return self._before is not None

    def lower_concurrency(self) -> bool:
        """Go back to the connections before they were raised, for good; return whether they had been."""
        if self._before is None:
            return False
        self.concurrency = self._most = self._before[0]
        self._before = None
        return True

    def _raised(self, result: LoadResult) -> int:
        """Return the connections to try next; as many as there are if the present ones have proved themselves."""
        answer_s = self.concurrency / result.rate if result.rate > 0 else 0.0
        most = min(self._most, MAX_CONCURRENCY if answer_s < VERY_SLOW_ANSWER_S else MAX_CONCURRENCY_IF_VERY_SLOW)
        more = min(RAISE * self.concurrency, most)
        if answer_s <= SLOW_ANSWER_S or more < WORTHWHILE * self.concurrency:
            return self.concurrency
        # What is bound by its bandwidth gains less each time; the next trial is taken to gain what the last one did.
        gain = result.rate / self._before[1] if self._before else RAISE
        return more if more <= MAX_TRIAL_S * result.rate * gain else self.concurrency

    def _check(self, result: LoadResult) -> None:
        if result.completed < result.planned:
            self._target.check_alive()
            raise LoadDriverError(
                f"{result.completed:,} of {result.planned:,} requests were answered"
                f"{_listed('errors', result.errors)}. A verdict needs every answer: look at the service's log, "
                f"lower concurrency = {self.concurrency}, or raise [load] timeout."
            )
        if not result.is_as_expected:
            statuses = {str(code): count for code, count in result.status_codes.items()}
            raise LoadDriverError(
                f"{result.unexpected:,} of {result.completed:,} answers were not as expected"
                f"{_listed('statuses', statuses)}{_listed('errors', result.errors)}; expected "
                f"{', '.join(self.endpoint.expect)}. Mend the request, or declare these statuses with 'expect'."
            )


def _listed(what: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    return f" ({what}: " + ", ".join(f"{text} x{count:,}" for text, count in counts.items()) + ")"
