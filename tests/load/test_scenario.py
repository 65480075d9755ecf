from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pytest_goleak import __version__
from pytest_goleak.load.scenario import ScenarioDriver
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver
from tests.load.conftest import Service


def run(service: Service, function: Callable[[httpx.Client], object], **settings: Any) -> LoadResult:
    driver: LoadDriver = ScenarioDriver(function)
    return driver.run(service.job("scenario", **settings))


def failure(service: Service, function: Callable[[httpx.Client], object]) -> str:
    with pytest.raises(LoadDriverError) as caught:
        run(service, function, requests=2)
    return str(caught.value)


def get_ok(client: httpx.Client) -> None:
    client.get("/ok").raise_for_status()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_call_is_one_request_and_clients_are_closed(service: Service, concurrency: int) -> None:
    result = run(service, get_ok, requests=50, concurrency=concurrency)
    assert (result.planned, result.completed, result.unexpected, result.errors) == (50, 50, 0, {})
    assert result.status_codes == {200: 50}
    assert 0 < result.latency_s < result.duration_s
    stats = service.wait_for(lambda stats: stats["open"] == 0, within_s=0.5)
    assert stats["requests"] == {"GET /ok": 50}
    assert (stats["open"], stats["connections"] <= concurrency) == (0, True)


def test_concurrency_1_runs_in_this_thread_and_more_in_threads_that_end(service: Service) -> None:
    seen: Counter[threading.Thread] = Counter()

    def note(client: httpx.Client) -> None:
        seen[threading.current_thread()] += 1
        client.get("/slow?ms=5")

    run(service, note, requests=3)
    assert set(seen) == {threading.current_thread()}
    seen.clear()
    run(service, note, requests=40, concurrency=4)
    assert 2 <= len(seen) <= 4
    assert not any(thread.is_alive() for thread in seen)


def test_each_worker_keeps_its_own_cookies_and_headers(service: Service) -> None:
    clients: set[int] = set()

    def note(client: httpx.Client) -> None:
        clients.add(id(client))
        client.post("/echo", content="b")

    run(service, note, requests=40, concurrency=4)
    assert len(clients) <= 4
    assert service.stats()["echo"]["headers"]["User-Agent"] == [f"pytest-goleak/{__version__}"]


def test_several_requests_per_call(service: Service) -> None:
    def checkout(client: httpx.Client) -> None:
        client.post("/echo")
        assert client.get("/status/404").status_code == 404

    result = run(service, checkout, requests=5)
    assert (result.completed, result.unexpected) == (5, 0)
    assert result.status_codes == {200: 5, 404: 5}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_first_exception_of_each_line_is_kept_and_all_are_counted(service: Service, concurrency: int) -> None:
    calls = iter(range(1000))

    def fail_sometimes(client: httpx.Client) -> None:
        number = next(calls)
        client.get("/ok")
        assert number % 50, f"call {number}"

    result = run(service, fail_sometimes, requests=200, concurrency=concurrency)
    assert (result.completed, result.unexpected) == (200, 4)
    [(text, count)] = result.errors.items()
    assert count == 4
    line = fail_sometimes.__code__.co_firstlineno + 3
    assert text.startswith("AssertionError: call ")
    assert text.endswith(f"(test_scenario.py:{line})")


def test_exceptions_deep_in_httpx_are_placed_at_the_users_line(service: Service) -> None:
    def demand_ok(client: httpx.Client) -> None:
        client.get("/status/500").raise_for_status()

    text = failure(service, demand_ok)
    assert text.startswith("2 of 2 calls failed: HTTPStatusError: Server error '500 Internal Server Error'")
    assert f"(test_scenario.py:{demand_ok.__code__.co_firstlineno + 1}) x2. Load is made of calls that pass" in text


def test_callable_objects_and_exceptions_without_text(service: Service) -> None:
    class Checkout:
        def __call__(self, client: httpx.Client) -> None:
            raise KeyError

    assert failure(service, Checkout()).startswith("2 of 2 calls failed: KeyError (test_scenario.py:")


def test_the_first_failure_is_kept_with_its_traceback_until_the_next_job(service: Service) -> None:
    calls = iter(range(1000))

    def fail_at_first(client: httpx.Client) -> None:
        client.get("/ok")
        assert next(calls) > 1

    driver = ScenarioDriver(fail_at_first)
    with pytest.raises(LoadDriverError):
        driver.run(service.job("scenario", requests=2))
    assert isinstance(driver.failure, AssertionError)
    assert driver.failure.__traceback__ is not None
    driver.run(service.job("scenario", requests=2))
    assert driver.failure is None


@pytest.mark.parametrize("concurrency", [1, 2])
def test_dead_service_ends_the_job_early(service: Service, concurrency: int) -> None:
    service.process.kill()
    service.process.wait()
    result = run(service, get_ok, requests=1000, concurrency=concurrency)
    assert (result.completed, result.unexpected) == (0, 0)
    assert sum(result.errors.values()) == 1000
    assert any(text.startswith("ConnectError: ") and "test_scenario.py" in text for text in result.errors)
    assert "not sent: the service refused 50 connections in a row" in result.errors


def test_time_out_of_a_request(service: Service) -> None:
    result = run(service, lambda client: client.get("/slow?ms=3000"), requests=2, timeout_s=0.1)
    assert result.completed == 0
    [text] = result.errors
    assert text.startswith("ReadTimeout: ")


@pytest.mark.parametrize("concurrency", [1, 3])
def test_deadline(service: Service, concurrency: int) -> None:
    result = run(
        service,
        lambda client: client.get("/slow?ms=50"),
        requests=1000,
        concurrency=concurrency,
        deadline_s=0.3,
    )
    assert 1 <= result.completed <= 10 * concurrency
    assert result.errors == {"not answered by the deadline of 0.3 s": 1000 - result.completed}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_is_no_exception_ends_the_job_and_closes_everything(service: Service, concurrency: int) -> None:
    def give_up(client: httpx.Client) -> None:
        client.get("/ok")
        pytest.fail("enough")

    threads = threading.active_count()
    with pytest.raises(pytest.fail.Exception, match="enough"):
        run(service, give_up, requests=1000, concurrency=concurrency)
    assert threading.active_count() == threads
    stats = service.wait_for(lambda stats: stats["open"] == 0, within_s=0.5)
    assert stats["open"] == 0
    assert stats["total"] <= concurrency


@pytest.mark.parametrize("concurrency", [1, 3])
def test_progress(service: Service, concurrency: int) -> None:
    told: list[int] = []
    started = time.monotonic()
    ScenarioDriver(lambda client: client.get("/slow?ms=50")).run(
        service.job(requests=14 * concurrency, concurrency=concurrency), told.append
    )
    assert told == sorted(told)
    assert told[-1] == 14 * concurrency
    assert 2 <= len(told) <= 3 + (time.monotonic() - started) / 0.25


def test_unix_socket_without_keep_alive_and_proxies(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert run(service, get_ok, requests=5).completed == 5
    result = run(service, get_ok, requests=5, socket=service.socket, keep_alive=False)
    assert result.status_codes == {200: 5}
    assert service.stats()["connections"] == 6


def test_nothing_to_do(service: Service) -> None:
    assert run(service, get_ok, requests=0, concurrency=4).completed == 0


def test_async_functions_and_impossible_jobs_are_refused(service: Service) -> None:
    async def never_awaited(client: httpx.Client) -> None: ...

    assert "async function" in str(ScenarioDriver(never_awaited).unsupported(Endpoint(name="x")))
    with pytest.raises(LoadDriverError, match="async function"):
        run(service, never_awaited)
    with pytest.raises(LoadDriverError, match="expected 0 or more requests"):
        run(service, get_ok, concurrency=0)
