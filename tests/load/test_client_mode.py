from __future__ import annotations

import time

import pytest

from pytest_goleak.load.builtin import BuiltinDriver
from pytest_goleak.load.client_mode import HOLD_S, SLOW_READER_S, TIMEOUT_S
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import ClientMode
from tests.load.conftest import Service

ALL_BUT_NORMAL = [mode for mode in ClientMode if mode is not ClientMode.NORMAL]


def run(service: Service, path: str, mode: ClientMode, **settings: object) -> LoadResult:
    return BuiltinDriver().run(service.job(path, mode=mode, **settings))


def test_abort_leaves_handlers_that_wait_for_it(service: Service) -> None:
    result = run(service, "/never", ClientMode.ABORT, requests=200, concurrency=8)
    assert (result.completed, result.errors, result.unexpected) == (200, {}, 0)
    assert result.duration_s < 5
    stats = service.wait_for(lambda stats: stats["left"] == 200 and stats["open"] == 0, within_s=2)
    assert (stats["left"], stats["open"], stats["connections"]) == (200, 0, 200)
    assert stats["requests"] == {"GET /never": 200}


def test_abort_sends_the_whole_body_first(service: Service) -> None:
    body = "b" * 3_000_000  # more than the kernel takes at once
    result = run(service, "/never", ClientMode.ABORT, requests=3, concurrency=2, method="POST", body=body)
    assert result.completed == 3
    # The handler counts the client as gone only after it read the body.
    assert service.wait_for(lambda stats: stats["left"] == 3, within_s=5)["left"] == 3


def test_abort_counts_every_request_even_if_the_answer_was_faster(service: Service) -> None:
    result = run(service, "/ok", ClientMode.ABORT, requests=300, concurrency=8)
    assert (result.completed, result.errors) == (300, {})
    assert service.wait_for(lambda stats: stats["total"] == 300, within_s=1)["total"] == 300


def test_timeout_waits_a_little_then_leaves(service: Service) -> None:
    result = run(service, "/never", ClientMode.TIMEOUT, requests=8, concurrency=4)
    assert (result.completed, result.errors, result.status_codes) == (8, {}, {})
    assert 2 * TIMEOUT_S <= result.duration_s < 2 * TIMEOUT_S + 1
    assert TIMEOUT_S <= result.latency_s < TIMEOUT_S + 0.3
    assert service.wait_for(lambda stats: stats["left"] == 8, within_s=1)["left"] == 8


def test_timeout_counts_answers_in_time_by_status(service: Service) -> None:
    result = run(service, "/status/500", ClientMode.TIMEOUT, requests=8, concurrency=4)
    assert result.status_codes == {500: 8}
    assert (result.completed, result.unexpected) == (8, 8)


def test_hold_keeps_the_answer_open_then_leaves(service: Service) -> None:
    result = run(service, "/stream", ClientMode.HOLD, requests=4, concurrency=4)
    assert result.status_codes == {200: 4}
    assert (result.completed, result.errors) == (4, {})
    assert HOLD_S <= result.latency_s < HOLD_S + 0.5
    stats = service.wait_for(lambda stats: stats["left"] == 4 and stats["open"] == 0, within_s=2)
    assert (stats["left"], stats["open"]) == (4, 0)
    assert stats["longest_ms"] >= HOLD_S * 1000 * 0.9


def test_hold_leaves_a_large_body_unread(service: Service) -> None:
    result = run(service, "/big?kb=65536", ClientMode.HOLD, requests=2, concurrency=2)
    assert result.completed == 2
    stats = service.wait_for(lambda stats: stats["left"] == 2, within_s=2)
    assert stats["left"] == 2  # writes failed: the body did not fit into the buffers, and nobody read it


def test_slow_reader_makes_the_service_wait_and_reads_all(service: Service) -> None:
    result = run(service, "/big?kb=16384", ClientMode.SLOW_READER, requests=2, concurrency=2)
    assert result.status_codes == {200: 2}
    assert SLOW_READER_S <= result.duration_s < SLOW_READER_S + 2
    stats = service.stats()
    assert stats["left"] == 0
    assert stats["longest_ms"] >= SLOW_READER_S * 1000 * 0.8


def test_slow_reader_of_a_small_answer_is_not_slow(service: Service) -> None:
    result = run(service, "/ok", ClientMode.SLOW_READER, requests=50, concurrency=4)
    assert result.status_codes == {200: 50}
    assert result.duration_s < 1


@pytest.mark.parametrize("mode", ALL_BUT_NORMAL)
def test_modes_keep_the_number_of_connections_and_the_barrier(service: Service, mode: ClientMode) -> None:
    result = run(service, "/slow?ms=20", mode, requests=12, concurrency=4)
    assert result.completed == 12
    stats = service.wait_for(lambda stats: stats["open"] == 0 and stats["total"] == 12, within_s=2)
    assert (stats["open"], stats["total"], stats["connections"]) == (0, 12, 12)


@pytest.mark.parametrize("mode", ALL_BUT_NORMAL)
def test_nobody_to_connect_to_is_an_error_in_every_mode(service: Service, mode: ClientMode) -> None:
    service.process.kill()
    service.process.wait()
    result = run(service, "/ok", mode, requests=1000, concurrency=4)
    assert result.completed == 0
    assert result.errors["connection failed: Connection refused"] >= 50


@pytest.mark.parametrize("mode", [ClientMode.HOLD, ClientMode.SLOW_READER])
def test_deadline_holds_in_modes_that_wait_for_an_answer(service: Service, mode: ClientMode) -> None:
    result = run(service, "/never", mode, requests=10, concurrency=2, deadline_s=0.3)
    assert result.duration_s < 1
    assert result.errors == {"not answered by the deadline of 0.3 s": 10}


def test_waiting_clients_cost_little_processor_time(service: Service) -> None:
    before = time.process_time()
    run(service, "/stream", ClientMode.HOLD, requests=2, concurrency=2)
    assert time.process_time() - before < 0.15
