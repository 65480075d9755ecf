"""The built-in HTTP driver: libcurl's multi interface in one thread, an exact number of requests, a hard barrier."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pycurl

from pytest_goleak.load.client_mode import BEHAVIOURS, LOOK_INTERVAL_S
from pytest_goleak.load.handle import Slot, describe_error, is_connect_error
from pytest_goleak.load.request import RequestSource, check_amount, unsupported_scheme
from pytest_goleak.load.tally import MAX_CONNECT_FAILURES, Tally, describe_refusal, describe_unanswered
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob

__all__ = ["BuiltinDriver"]

_PROGRESS_INTERVAL_S = 0.25
_MAX_WAIT_S = 0.1

# libcurl is waited for with select(2), which can't watch file descriptors from FD_SETSIZE on.
_FD_SETSIZE = 1024
_SPARE_FDS = 64
_BLIND_WAIT_S = 0.001


class BuiltinDriver:
    """Drives HTTP/1.1 over TCP or a unix socket, without proxies and without following redirects.

    A connection that the service closed while it was idle is replaced, and its request sent again, by libcurl.

    Args:
        ca: Bundle (PEM) that the service's certificate is checked against, instead of libcurl's own.
        cert: Client certificate (PEM).
        key: Private key (PEM) of *cert*.

    """

    name = "builtin"

    def __init__(self, *, ca: str | None = None, cert: str | None = None, key: str | None = None) -> None:
        self._ca = ca
        self._cert = cert
        self._key = key

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why *endpoint* can't be driven, or ``None`` if it can."""
        if endpoint.method == "HEAD" and endpoint.body is not None:
            return "a HEAD request has no body; remove the body, or use another method"
        return unsupported_scheme(endpoint.path)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Send the job's requests and return when every connection is closed.

        ``completed`` and the counts in ``errors`` add up to ``planned``: requests that the deadline or a dead service
        left unsent or unanswered are an entry of ``errors`` that says so.

        Raises:
            LoadDriverError: the endpoint can't be sent over HTTP, or the job makes no sense.

        """
        check_amount(job)
        if problem := self.unsupported(job.endpoint):
            raise LoadDriverError(problem)
        source = RequestSource(job)
        slots = [
            Slot(job, ca=self._ca, cert=self._cert, key=self._key) for _ in range(min(job.concurrency, job.requests))
        ]
        transfers = _Transfers(job, source, slots, on_progress)
        try:
            return transfers.run()
        finally:
            transfers.close()


class _Transfers:
    """The transfers of one job, from the first connection to the closed multi handle."""

    def __init__(
        self, job: LoadJob, source: RequestSource, slots: list[Slot], on_progress: Callable[[int], None] | None
    ) -> None:
        self._job = job
        self._source = source
        self._slots = slots
        self._by_handle = {slot.handle: slot for slot in slots}
        self._on_progress = on_progress
        self._behaviour = BEHAVIOURS.get(job.endpoint.mode)
        self._tally = Tally()
        self._unsent = job.requests
        self._active: set[Slot] = set()
        self._connect_failures = 0
        self._select_sees_all = _lowest_free_fd() + len(slots) + _SPARE_FDS < _FD_SETSIZE
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max(1, len(slots)))

    def run(self) -> LoadResult:
        started_s = time.monotonic()
        for slot in self._slots:
            self._start(slot, started_s)
        stopped = self._drive(started_s)
        ended_s = time.monotonic()
        if self._on_progress:
            self._on_progress(self._tally.finished)
        if stopped:
            self._tally.add_rest(self._job, stopped)
        return self._tally.result(self._job, ended_s - started_s)

    def close(self) -> None:
        """Close every connection: the transfers under way with their handles, the idle ones with the multi handle."""
        for slot in self._slots:
            slot.handle.close()
        self._multi.close()

    def _drive(self, started_s: float) -> str | None:
        """Drive all transfers to their end; return why some were not, if so."""
        deadline_s = started_s + self._job.deadline_s
        progress_s = started_s + _PROGRESS_INTERVAL_S
        multi = self._multi
        while self._active:
            multi.perform()
            _queued, answered, failed = multi.info_read()
            now_s = time.monotonic()
            if self._behaviour:
                self._look_after_clients(now_s, over={*answered, *(handle for handle, _, _ in failed)})
            if answered:
                self._connect_failures = 0
                self._count_answers(answered, now_s)
            for handle, code, message in failed:
                self._count_error(handle, code, message, now_s)
            if self._connect_failures >= MAX_CONNECT_FAILURES:
                return describe_refusal()
            if now_s >= deadline_s:
                return describe_unanswered(self._job)
            if self._on_progress and now_s >= progress_s:
                progress_s = now_s + _PROGRESS_INTERVAL_S
                self._on_progress(self._tally.finished)
            if not answered and not failed:
                self._wait(deadline_s - now_s)
        return None

    def _start(self, slot: Slot, now_s: float) -> None:
        """Give *slot* its next request, if there is one left."""
        if not self._unsent:
            self._active.discard(slot)
            return
        self._unsent -= 1
        if slot.request is None or not self._source.is_constant:
            slot.prepare(self._source.take())
        if self._behaviour:
            slot.started_s = now_s
            slot.forget_waiting()
        self._active.add(slot)
        self._multi.add_handle(slot.handle)

    def _restart(self, slot: Slot, now_s: float) -> None:
        # A handle has to leave the multi handle to be used again; its connection stays there.
        self._multi.remove_handle(slot.handle)
        self._start(slot, now_s)

    def _count_answers(self, handles: list[pycurl.Curl], now_s: float) -> None:
        for handle in handles:
            self._tally.add_answer(handle.getinfo(pycurl.RESPONSE_CODE), handle.getinfo(pycurl.TOTAL_TIME))
            self._tally.add_connections(handle.getinfo(pycurl.NUM_CONNECTS))
            self._restart(self._by_handle[handle], now_s)

    def _count_error(self, handle: pycurl.Curl, code: int, message: str, now_s: float) -> None:
        self._connect_failures = self._connect_failures + 1 if is_connect_error(code) else 0
        timeout_s = self._job.endpoint.load.timeout_s
        self._tally.add_error(describe_error(handle, code, message, timeout_s=timeout_s))
        if self._connect_failures < MAX_CONNECT_FAILURES:
            self._restart(self._by_handle[handle], now_s)

    def _look_after_clients(self, now_s: float, *, over: set[pycurl.Curl]) -> None:
        """Let the clients of modes other than normal misbehave; a disconnect that the mode intends is an answer.

        Called before new requests start: until libcurl performed once, a handle tells about its request before.
        """
        assert self._behaviour is not None
        for slot in tuple(self._active):
            if slot.handle not in over and self._behaviour.hangs_up(slot, now_s):
                status = slot.handle.getinfo(pycurl.RESPONSE_CODE) if self._behaviour.counts_status else 0
                self._connect_failures = 0
                self._tally.add_answer(status, now_s - slot.started_s)
                self._tally.add_connections(1)
                # Removing a handle in the middle of its transfer closes the connection.
                self._restart(slot, now_s)

    def _wait(self, longest_s: float) -> None:
        """Wait until a socket is ready or libcurl or we have something to do."""
        seconds = min(longest_s, LOOK_INTERVAL_S if self._behaviour else _MAX_WAIT_S)
        timer_ms = self._multi.timeout()
        if timer_ms >= 0:
            seconds = min(seconds, timer_ms / 1000)
        if seconds <= 0:
            return
        before_s = time.monotonic()
        if self._select_sees_all and (self._multi.select(seconds) or time.monotonic() - before_s >= _BLIND_WAIT_S):
            return
        # No socket that select can watch, be it that all are paused or that this process has too many files open.
        time.sleep(min(seconds, _BLIND_WAIT_S))


def _lowest_free_fd() -> int:
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd
