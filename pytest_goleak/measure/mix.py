"""The load of several endpoints as one: every dose goes to each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from pytest_goleak.measure.stream import LoadStream
from pytest_goleak.model.observation import LoadResult

__all__ = ["MixStream"]


class MixStream:
    """Sends each dose to every endpoint, one after the other; its figures are per endpoint.

    So ``rate`` is how many requests each endpoint answers per second while all take their turns.
    """

    def __init__(self, streams: Sequence[LoadStream]) -> None:
        self.streams = streams
        self.concurrency = max(stream.concurrency for stream in streams)
        self.sent = 0

    @property
    def name(self) -> str:
        """How many endpoints there are."""
        return f"{len(self.streams)} endpoints together"

    @property
    def timeout_s(self) -> float:
        """Longest wait for one answer of each endpoint."""
        return sum(stream.timeout_s for stream in self.streams)

    def send(
        self,
        requests: int,
        *,
        deadline_s: float,
        same_request: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> LoadResult:
        """Send *requests* requests to each endpoint; return once all are over and all connections closed.

        Raises:
            GoleakError: as for a single endpoint; the rest of the dose is then not sent.

        """
        results = [stream.send(requests, deadline_s=deadline_s, same_request=same_request) for stream in self.streams]
        self.sent += requests
        if on_progress:
            on_progress(requests)
        statuses: Counter[int] = Counter()
        for result in results:
            statuses.update(result.status_codes)
        return LoadResult(
            planned=requests,
            completed=requests,
            unexpected=sum(result.unexpected for result in results),
            status_codes=dict(statuses),
            duration_s=sum(result.duration_s for result in results),
            latency_s=sum(result.latency_s for result in results),
        )

    def raise_concurrency(self, result: LoadResult) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: endpoints that need more connections are not for mixing."""
        return False

    def lower_concurrency(self) -> bool:
        """Return False: it is never raised."""
        return False
