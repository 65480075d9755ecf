"""Known growth, planted in the service itself: connections to its own port that are opened and never used.

A service that gives each connection a goroutine, as ``net/http`` does, keeps that goroutine with its buffers until we
let go. So the growth is real, its size is known, and nothing has to be changed in the service.
"""

from __future__ import annotations

import math
import resource
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_goleak.model.observation import LoadResult, Observation
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver, LoadJob, Source
from pytest_goleak.target.address import Address, connect

__all__ = ["HeldConnections", "HoldingDriver", "WatchedSource", "affordable_connections"]

MOST_CONNECTIONS = 4_000
"""Connections held at once; enough for 200,000 requests at twice the default tolerance."""

SPARE_FILES = 160
"""Descriptors left to the load driver, to profiles, and to whoever else lives in this process."""

REFRESH_SHARE = 0.5
"""Share of a service's idle time-out after which a connection is replaced, so that none ends during a look."""

MOST_LOOKS = 4
"""Looks at the levels, where connections ended while they were read."""

_CONNECT_TIMEOUT_S = 5.0


def affordable_connections() -> int:
    """Return how many connections this process may hold, by its limit of open files."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(0, min(MOST_CONNECTIONS, limit - len(list(Path("/dev/fd").iterdir())) - SPARE_FILES))


class HeldConnections:
    """Idle connections to *address*, *limit* of them at most; close it, or use it as a context manager."""

    def __init__(self, address: Address, *, limit: int | None = None) -> None:
        self.closed_by_service = 0
        """Connections that the service closed while they were held; each was replaced."""
        self.refusal = ""
        """Why a connection could not be opened, once one could not."""
        self.wanted = 0
        """Connections that were asked for so far, be they beyond the limit."""
        self.limit = affordable_connections() if limit is None else limit
        self._address = address
        self._open: dict[int, tuple[socket.socket, float]] = {}
        self._shortest_life_s = math.inf
        self._watch = select.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def is_capped(self) -> bool:
        """Whether more were asked for than may be held."""
        return self.wanted > self.limit

    def grow_to(self, count: int) -> None:
        """Open connections until *count* are held, or as many as the limit and the service allow."""
        self.wanted = max(self.wanted, count)
        while len(self._open) < min(self.wanted, self.limit) and self._add():
            pass

    def renew(self) -> int:
        """Replace the connections that the service has closed, or is about to; return how many it had closed."""
        now = time.monotonic()
        over = [number for number, _ in self._watch.poll(0) if _is_over(self._open[number][0])]
        for number in over:
            self._shortest_life_s = min(self._shortest_life_s, now - self._open[number][1])
            self._drop(number)
        self.closed_by_service += len(over)
        oldest = now - REFRESH_SHARE * self._shortest_life_s
        for number in [number for number, (_, opened_s) in self._open.items() if opened_s < oldest]:
            self._drop(number)
        self.grow_to(self.wanted)
        return len(over)

    def close(self) -> None:
        """Let go of every connection."""
        for number in list(self._open):
            self._drop(number)

    def _drop(self, number: int) -> None:
        self._watch.unregister(number)
        self._open.pop(number)[0].close()

    def _add(self) -> bool:
        try:
            connection = connect(self._address, timeout_s=_CONNECT_TIMEOUT_S)
        except OSError as error:
            self.refusal = self.refusal or str(error)
            return False
        connection.setblocking(False)
        self._open[connection.fileno()] = (connection, time.monotonic())
        self._watch.register(connection, select.POLLIN)
        return True


def _is_over(connection: socket.socket) -> bool:
    """Whether the other side closed *connection*; what it says before that is thrown away."""
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class HoldingDriver:
    """A driver that leaves *per_request* connections open for each request that it sends."""

    def __init__(self, driver: LoadDriver, held: HeldConnections, *, per_request: float) -> None:
        self.name = driver.name
        self.sent = 0
        self._driver = driver
        self._held = held
        self._per_request = per_request

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why the driver can't drive *endpoint*, or ``None`` if it can."""
        return self._driver.unsupported(endpoint)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Send the job's requests, then open the connections that go with them."""
        result = self._driver.run(job, on_progress)
        self.sent += result.completed
        self._held.grow_to(round(self._per_request * self.sent))
        return result


class WatchedSource:
    """A source that keeps the planted connections in place, and remembers what they really did to the service."""

    def __init__(self, source: Source, held: HeldConnections) -> None:
        self._source = source
        self._held = held
        self._first: tuple[int, int] | None = None
        self._most = (0, 0)

    @property
    def planted(self) -> tuple[int, int]:
        """Connections added since the first look until most were held, and goroutines gained by then."""
        connections, goroutines = self._first or (0, 0)
        return self._most[0] - connections, self._most[1] - goroutines

    def observe(self, *, collections: int = 2) -> Observation:
        """Return the service's levels, with as many connections held as were planted."""
        self._held.renew()
        for _ in range(MOST_LOOKS):
            observation = self._source.observe(collections=collections)
            if not self._held.renew():
                break
        seen = (len(self._held), observation.goroutines)
        self._first = self._first or seen
        self._most = max(self._most, seen)
        return observation

    def proven_leaks(self) -> int | None:
        """Return how many goroutines the runtime proves leaked, ``None`` where it can't tell."""
        return self._source.proven_leaks()
