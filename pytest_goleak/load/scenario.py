"""Python callables as load: one call with an ``httpx.Client`` on the target is one request."""

from __future__ import annotations

import inspect
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import httpx

from pytest_goleak.load.request import USER_AGENT, check_amount
from pytest_goleak.load.tally import MAX_CONNECT_FAILURES, Tally, describe_refusal, describe_unanswered
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob

__all__ = ["Scenario", "ScenarioDriver"]

Scenario = Callable[[httpx.Client], object]
"""One iteration of the load; what it returns is ignored."""

_PROGRESS_INTERVAL_S = 0.25


class ScenarioDriver:
    """Calls a function again and again, each call one iteration of the load.

    A call that raises is counted in ``errors``, under the type, message and line of the first such exception. An
    ``httpx.TransportError`` means that the service gave no answer; any other exception, a failed assertion among them,
    is a call that failed. Exceptions that are no ``Exception``, such as those of ``pytest.fail`` and Ctrl-C, end the
    job and are passed on.

    Args:
        function: Called with a client on the job's ``base_url``; each worker has a client of its own, so that cookies
            stay apart.

    """

    name = "scenario"

    def __init__(self, function: Scenario) -> None:
        self._function = function
        self.failure: Exception | None = None
        """The first exception of the last job in which too many calls failed, with its traceback."""
        # Certificates take tens of milliseconds to load: once, not for every client of every round.
        self._tls = httpx.create_ssl_context(trust_env=False)

    def unsupported(self, endpoint: Endpoint) -> str | None:  # noqa: ARG002 - part of the protocol
        """Return why the function can't be driven, or ``None`` if it can."""
        if inspect.iscoroutinefunction(self._function):
            return "the scenario is an async function, which nobody would await; expected a plain function"
        return None

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Call the function as often as the job has requests, and close all clients.

        With a concurrency of 1 the calls are made in this thread, otherwise in threads that end before this returns.
        A call under way at the deadline is waited for; each of its requests has the endpoint's own time-out.

        Raises:
            LoadDriverError: the function can't be driven, too many of its calls failed, or the job makes no sense.

        """
        self.failure = None
        check_amount(job)
        if problem := self.unsupported(job.endpoint):
            raise LoadDriverError(problem)
        started_s = time.monotonic()
        course = _Course(job.requests, deadline_s=started_s + job.deadline_s)
        workers: list[_Worker] = []
        with ExitStack() as clients:
            for _ in range(min(job.concurrency, job.requests)):
                tally = Tally()
                client = clients.enter_context(_client(job, tally, self._tls))
                workers.append(_Worker(self._function, client, tally, course))
            if len(workers) > 1:
                _work_in_threads(workers, course, on_progress)
            elif workers:
                workers[0].work(on_progress)
            duration_s = time.monotonic() - started_s
        if on_progress:
            on_progress(_finished(workers))
        result = _result(job, workers, course, duration_s)
        if not result.is_as_expected:
            self.failure = course.first_failure
            listed = ", ".join(f"{text} x{count:,}" for text, count in result.errors.items())
            raise LoadDriverError(
                f"{result.unexpected:,} of {result.completed:,} calls failed: {listed}. Load is made of calls that "
                f"pass: call the function once without load, and mend it or what it asks of the service."
            )
        return result


class _Course:
    """What the workers share: the iterations left, and what stops them."""

    def __init__(self, iterations: int, *, deadline_s: float) -> None:
        self._lock = threading.Lock()
        self._left = iterations
        self._deadline_s = deadline_s
        self._connect_failures = 0
        self.first_failure: Exception | None = None
        self._first_texts: dict[tuple[type[Exception], str], str] = {}

    @property
    def is_refused(self) -> bool:
        """Whether the service refused too many connections in a row."""
        return self._connect_failures >= MAX_CONNECT_FAILURES

    def take(self) -> bool:
        """Return whether there is one more iteration to do."""
        with self._lock:
            if not self._left or self.is_refused or time.monotonic() >= self._deadline_s:
                return False
            self._left -= 1
            return True

    def note(self, *, refused: bool) -> None:
        """Note whether an iteration found nobody to connect to."""
        with self._lock:
            self._connect_failures = self._connect_failures + 1 if refused else 0

    def stop(self) -> None:
        """Hand out no more iterations."""
        with self._lock:
            self._left = 0

    def describe(self, error: Exception, line: str) -> str:
        """Return the text of the first exception of this type from this line: messages may vary without end."""
        message = f": {error}" if str(error) else ""
        with self._lock:
            return self._first_texts.setdefault((type(error), line), f"{type(error).__name__}{message} ({line})")


class _Worker:
    """One client that calls the function, with its own counts."""

    def __init__(self, function: Scenario, client: httpx.Client, tally: Tally, course: _Course) -> None:
        self._function = function
        self._client = client
        self._course = course
        self.tally = tally
        self.unexpected = 0

    def work(self, on_progress: Callable[[int], None] | None = None) -> None:
        """Call the function until the course is over."""
        progress_s = time.monotonic() + _PROGRESS_INTERVAL_S
        while self._course.take():
            self._call()
            if on_progress and time.monotonic() >= progress_s:
                progress_s = time.monotonic() + _PROGRESS_INTERVAL_S
                on_progress(self.tally.finished)

    def _call(self) -> None:
        started_s = time.monotonic()
        try:
            self._function(self._client)
        except httpx.TransportError as error:
            self.tally.add_error(self._describe(error))
            self._course.note(refused=isinstance(error, httpx.ConnectError))
            return
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything; it is counted and shown
            self.unexpected += 1
            self._course.first_failure = self._course.first_failure or error
            self.tally.errors[self._describe(error)] += 1
        self.tally.add_answer(0, time.monotonic() - started_s)
        self._course.note(refused=False)

    def _describe(self, error: Exception) -> str:
        return self._course.describe(error, _raising_line(error, self._function))


def _work_in_threads(workers: list[_Worker], course: _Course, on_progress: Callable[[int], None] | None) -> None:
    with ThreadPoolExecutor(max_workers=len(workers), thread_name_prefix="goleak-scenario") as threads:
        try:
            pending: set[Future[None]] = {threads.submit(worker.work) for worker in workers}
            while pending:
                done, pending = wait(pending, timeout=_PROGRESS_INTERVAL_S, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if on_progress and pending:
                    on_progress(_finished(workers))
        finally:
            course.stop()


def _finished(workers: list[_Worker]) -> int:
    return sum(worker.tally.finished for worker in workers)


def _result(job: LoadJob, workers: list[_Worker], course: _Course, duration_s: float) -> LoadResult:
    tally = Tally()
    for worker in workers:
        tally.merge(worker.tally)
    tally.add_rest(job, describe_refusal() if course.is_refused else describe_unanswered(job))
    return tally.result(job, duration_s, unexpected=sum(worker.unexpected for worker in workers))


def _client(job: LoadJob, tally: Tally, tls: ssl.SSLContext) -> httpx.Client:
    load = job.endpoint.load

    def count_status(response: httpx.Response) -> None:
        tally.status_codes[response.status_code] += 1

    limits = httpx.Limits(max_keepalive_connections=None if load.keep_alive else 0)
    return httpx.Client(
        base_url=job.base_url,
        transport=httpx.HTTPTransport(verify=tls, uds=job.socket, limits=limits, trust_env=False),
        timeout=load.timeout_s,
        trust_env=False,
        headers={"User-Agent": USER_AGENT},
        event_hooks={"response": [count_status]},
    )


def _raising_line(error: Exception, function: Scenario) -> str:
    """Return ``file:line`` of the innermost frame in the function's own file, else of the innermost one."""
    frames = traceback.extract_tb(error.__traceback__)
    code = getattr(inspect.unwrap(function), "__code__", None)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
