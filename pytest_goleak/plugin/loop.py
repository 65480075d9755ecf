"""An ordinary test as the load: ``@pytest.mark.goleak(loop=True)`` runs it again and again."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pytest_goleak.config.load import with_overrides
from pytest_goleak.load.scenario import ScenarioDriver
from pytest_goleak.model.errors import MeasurementError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob
from pytest_goleak.plugin.api import scenario_endpoint
from pytest_goleak.plugin.marker import arguments_of, is_loop
from pytest_goleak.plugin.options import from_command_line
from pytest_goleak.plugin.run import GoleakRun
from pytest_goleak.plugin.settings import plan_of
from pytest_goleak.session.session import GoleakSession

__all__ = ["LoopTests", "open_client"]


class ReopeningTransport(httpx.BaseTransport):
    """A transport whose connections can all be closed while its client lives on.

    The load's connections must be gone when levels are read, since each costs the service goroutines; and the test's
    client must work in the next round.
    """

    def __init__(self, make: Callable[[], httpx.BaseTransport]) -> None:
        self._make = make
        self._inner = make()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* over the connections open now."""
        return self._inner.handle_request(request)

    def drop_connections(self) -> None:
        """Close every connection; the next request opens a new one."""
        self._inner.close()
        self._inner = self._make()

    def close(self) -> None:
        """Close every connection for good."""
        self._inner.close()


class LoopDriver:
    """Calls a test function once per request, and closes its client's connections after each dose."""

    name = "loop"

    def __init__(
        self, test: Callable[..., object], arguments: Mapping[str, object], transports: list[ReopeningTransport]
    ) -> None:
        @functools.wraps(test)  # so that the lines that are named are the test's
        def call(_client: httpx.Client) -> object:
            return test(**arguments)

        self._test = test
        self._scenario = ScenarioDriver(call)
        self._transports = transports

    @property
    def failure(self) -> Exception | None:
        """What the test raised if that ended the job; its traceback starts in the test."""
        error = self._scenario.failure
        if error is None:
            return None
        traceback = error.__traceback__
        while traceback and traceback.tb_frame.f_code is not getattr(self._test, "__code__", None):
            traceback = traceback.tb_next
        return error.with_traceback(traceback or error.__traceback__)

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why this driver can't drive *endpoint*, or ``None`` if it can."""
        if endpoint.load.concurrency > 1:
            return f"a test is run one call at a time; expected concurrency = 1, not {endpoint.load.concurrency}"
        return self._scenario.unsupported(endpoint)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Run the test as often as the job has requests."""
        try:
            return self._scenario.run(job, on_progress)
        finally:
            for transport in self._transports:
                transport.drop_connections()


@contextmanager
def open_client(session: GoleakSession) -> Iterator[httpx.Client]:
    """Open a client on the session's target."""
    plan = session.service.plan.target
    socket = str(Path(plan.root) / plan.socket) if plan.socket else None
    transport = ReopeningTransport(lambda: httpx.HTTPTransport(uds=socket, trust_env=False))
    timeout = session.service.plan.load.timeout_s
    with httpx.Client(
        base_url=session.service.target.url, transport=transport, timeout=timeout, trust_env=False
    ) as client:
        yield client


class LoopTests:
    """Runs tests that are marked as load in a loop instead of once."""

    def __init__(self, run: GoleakRun) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Take over the call of a marked test."""
        __tracebackhide__ = True
        if not is_loop(pyfuncitem):
            return None
        _run_loop(self._run, pyfuncitem)
        return True


def _run_loop(run: GoleakRun, item: pytest.Function) -> None:
    """Judge the service under *item*'s function as load; raise what the outcome calls for."""
    __tracebackhide__ = True
    arguments = {name: item.funcargs[name] for name in inspect.signature(item.obj).parameters}
    clients = [each for each in arguments.values() if isinstance(each, httpx.Client)]
    transports = [
        each._transport  # noqa: SLF001 - the transport is ours, httpx only has no public name for it
        for each in clients
        if isinstance(each._transport, ReopeningTransport)  # noqa: SLF001
    ]
    endpoint = with_overrides(
        scenario_endpoint(plan_of(item.config), item.obj),
        overrides=from_command_line(item.config),
        marker=arguments_of(item),
    )
    driver = LoopDriver(item.obj, arguments, transports)
    report = run.check(item, endpoint, driver=driver)
    try:
        run.judge(item, report, endpoint.measure.tolerance)
    except MeasurementError as error:
        raise error from driver.failure
