from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_goleak import __version__
from pytest_goleak.load.builtin import BuiltinDriver
from pytest_goleak.load.tally import MAX_CONNECT_FAILURES
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver
from tests.load.conftest import Service


def run(service: Service, path: str = "/ok", **settings: Any) -> LoadResult:
    driver: LoadDriver = BuiltinDriver()
    return driver.run(service.job(path, **settings))


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept connections into the backlog, and never read from them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(("requests", "concurrency"), [(1, 1), (7, 3), (3, 16), (1000, 16), (2001, 100)])
def test_exactly_the_planned_requests_arrive(service: Service, requests: int, concurrency: int) -> None:
    result = run(service, requests=requests, concurrency=concurrency)
    assert (result.planned, result.completed, result.unexpected) == (requests, requests, 0)
    assert result.status_codes == {200: requests}
    assert result.errors == {}
    assert 0 < result.latency_s < result.duration_s * concurrency
    stats = service.stats()
    assert stats["requests"] == {"GET /ok": requests}
    assert stats["peak_open"] <= min(requests, concurrency)
    assert stats["connections"] <= min(requests, concurrency)


def test_no_requests_are_no_connections(service: Service) -> None:
    result = run(service, requests=0, concurrency=4)
    assert (result.planned, result.completed, result.errors, result.rate) == (0, 0, {}, 0.0)
    assert service.stats()["connections"] == 0


@pytest.mark.parametrize("keep_alive", [True, False])
def test_barrier_leaves_no_connection_open(service: Service, keep_alive: bool) -> None:  # noqa: FBT001
    run(service, requests=500, concurrency=50, keep_alive=keep_alive)
    assert service.wait_for(lambda stats: stats["open"] == 0, within_s=0.25)["open"] == 0


def test_without_keep_alive_each_request_has_its_own_connection(service: Service) -> None:
    result = run(service, requests=200, concurrency=4, keep_alive=False)
    assert result.completed == 200
    stats = service.stats()
    assert stats["connections"] == 200
    assert stats["peak_open"] <= 16  # the service may learn of a closed connection after it got the next one


@pytest.mark.parametrize("status", [201, 204, 304, 404, 500, 503])
def test_statuses_are_counted_and_judged(service: Service, status: int) -> None:
    result = run(service, f"/status/{status}", requests=20, concurrency=4, expect=("201", "3xx", "404"))
    assert result.status_codes == {status: 20}
    assert result.completed == 20
    assert result.unexpected == (0 if status in {201, 304, 404} else 20)


def test_mixed_statuses(service: Service) -> None:
    result = run(service, "/status/{choice:200,418}", requests=200, concurrency=4)
    assert set(result.status_codes) == {200, 418}
    assert sum(result.status_codes.values()) == 200
    assert result.unexpected == result.status_codes[418]


def test_redirects_are_not_followed(service: Service) -> None:
    result = run(service, "/redirect", requests=10, concurrency=2)
    assert result.status_codes == {302: 10}
    assert service.stats()["requests"] == {"GET /redirect": 10}


def test_bodies_are_drained_and_their_connection_reused(service: Service) -> None:
    result = run(service, "/big?kb=1000", requests=40, concurrency=4)
    assert result.completed == 40
    stats = service.stats()
    assert stats["left"] == 0
    assert stats["connections"] <= 4


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_methods_with_a_body_and_only_the_headers_asked_for(service: Service, method: str) -> None:
    body = "x" * 2000  # from 1 KiB on libcurl would ask for 100-continue
    headers = {"X-One": "1", "Content-Type": "text/x"}
    assert run(service, "/echo?a=%20b", method=method, body=body, headers=headers).completed == 1
    seen = service.stats()["echo"]
    assert (seen["method"], seen["uri"], seen["body"], seen["proto"]) == (method, "/echo?a=%20b", body, "HTTP/1.1")
    assert seen["headers"] == {
        "X-One": ["1"],
        "Content-Type": ["text/x"],
        "Content-Length": ["2000"],
        "User-Agent": [f"pytest-goleak/{__version__}"],
    }


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"])
def test_methods_without_a_body(service: Service, method: str) -> None:
    assert run(service, "/echo", requests=3, method=method).status_codes == {200: 3}
    stats = service.stats()
    assert stats["connections"] == 1
    length = {"Content-Length": ["0"]} if method in {"POST", "PUT", "PATCH"} else {}
    assert stats["echo"]["headers"] == {"User-Agent": [f"pytest-goleak/{__version__}"], **length}
    assert stats["requests"] == {f"{method} /echo": 3}


def test_users_headers_override_ours(service: Service) -> None:
    headers = {"User-Agent": "mine", "Accept": "a/b", "Host": "other.example", "X-Empty": ""}
    run(service, "/echo", headers=headers)
    seen = service.stats()["echo"]
    assert seen["host"] == "other.example"
    assert seen["headers"] == {"User-Agent": ["mine"], "Accept": ["a/b"], "X-Empty": [""]}


def test_templates_expand_in_method_path_headers_and_body(service: Service) -> None:
    result = run(
        service,
        "/echo?n={n}&x={choice:a b}",
        requests=300,
        concurrency=8,
        first_number=1000,
        method="{choice:POST,GET,DELETE}",
        headers={"X-Id": "{uuid}"},
        body='{"n": {n}}',
    )
    assert result.status_codes == {200: 300}
    stats = service.stats()
    sent = [request.split(" ", 1) for request in stats["requests"]]
    assert {method for method, _ in sent} == {"POST", "GET", "DELETE"}
    assert {uri for _, uri in sent} == {f"/echo?n={n}&x=a%20b" for n in range(1000, 1300)}
    assert set(stats["requests"].values()) == {1}
    last = stats["echo"]
    assert last["body"] == '{{"n": {}}}'.format(last["uri"].partition("n=")[2].partition("&")[0])
    assert len(last["headers"]["X-Id"][0]) == 36


def test_method_templates_may_mix_head_and_bodies(service: Service) -> None:
    result = run(service, "/echo", requests=100, concurrency=3, method="{choice:HEAD,POST}", body="b")
    assert result.completed == 100
    counts = service.stats()["requests"]
    assert counts["HEAD /echo"] + counts["POST /echo"] == 100
    assert min(counts.values()) > 20


def test_full_url_on_another_host_than_the_base(service: Service) -> None:
    result = run(service, service.url.replace("127.0.0.1", "localhost") + "/ok?{n}", requests=4)
    assert result.completed == 4
    assert set(service.stats()["requests"]) == {f"GET /ok?{n}" for n in range(4)}


def test_dots_in_paths_arrive_as_written(service: Service) -> None:
    assert run(service, "/ok/../status/x", requests=1).completed == 1
    assert set(service.stats()["requests"]) == {"GET /ok/../status/x"}


def test_unix_socket(service: Service) -> None:
    result = run(service, "/ok", requests=100, concurrency=8, socket=service.socket)
    assert result.status_codes == {200: 100}
    assert service.wait_for(lambda stats: stats["open"] == 0, within_s=0.25)["open"] == 0


def test_proxies_of_the_environment_are_ignored(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("no_proxy", "")
    assert run(service, requests=2).completed == 2


def test_refused_connections_end_the_job_early(service: Service) -> None:
    started = time.monotonic()
    result = run(service, f"http://127.0.0.1:{unused_port()}/", requests=10_000, concurrency=8)
    assert time.monotonic() - started < 5
    assert result.completed == 0
    assert sum(result.errors.values()) == result.planned
    assert result.errors["connection failed: Connection refused"] in range(
        MAX_CONNECT_FAILURES, MAX_CONNECT_FAILURES + 8
    )
    assert f"not sent: the service refused {MAX_CONNECT_FAILURES} connections in a row" in result.errors


def test_unknown_host_is_an_error_by_its_name(service: Service) -> None:
    result = run(service, "http://nowhere.invalid/", requests=2)
    assert result.completed == 0
    assert any("host name not found" in text for text in result.errors)


def test_dying_service_ends_the_job_early(service: Service) -> None:
    result = run(service, "/dying?after=200", requests=10_000, concurrency=8)
    assert 190 <= result.completed <= 200
    assert result.completed + sum(result.errors.values()) == 10_000
    assert any(text.startswith("connection failed") for text in result.errors)
    assert any(text.startswith("not sent") for text in result.errors)


def test_dropped_connections_are_counted_as_such(service: Service) -> None:
    result = run(service, "/drop", requests=100, concurrency=4)
    assert result.completed == 0
    assert sum(result.errors.values()) == 100
    assert set(result.errors) <= {
        "connection closed without an answer",
        "connection lost while receiving: Connection reset by peer",
    }


def test_time_out_of_one_request(service: Service) -> None:
    result = run(service, "/slow?ms=5000", requests=4, concurrency=2, timeout_s=0.1)
    assert result.completed == 0
    assert result.errors == {"time-out: no complete answer in 0.1 s": 4}
    assert result.duration_s < 2


def test_deadline_ends_a_job_whose_service_hangs(service: Service) -> None:
    result = run(service, "/never", requests=100, concurrency=4, deadline_s=0.3)
    assert 0.3 <= result.duration_s < 1
    assert result.completed == 0
    assert result.errors == {"not answered by the deadline of 0.3 s": 100}
    stats = service.wait_for(lambda stats: stats["left"] == 4 and stats["open"] == 0, within_s=1)
    assert (stats["left"], stats["open"]) == (4, 0)


def test_deadline_keeps_what_was_answered(service: Service) -> None:
    result = run(service, "/slow?ms=50", requests=10_000, concurrency=2, deadline_s=0.5)
    assert 4 <= result.completed <= 20
    assert result.errors == {"not answered by the deadline of 0.5 s": 10_000 - result.completed}


def test_waiting_costs_no_processor_time(service: Service) -> None:
    before = time.process_time()
    run(service, "/slow?ms=600", requests=2, concurrency=2)
    assert time.process_time() - before < 0.15


def test_progress_is_told_a_few_times_a_second(service: Service) -> None:
    told: list[int] = []
    BuiltinDriver().run(service.job("/slow?ms=50", requests=40, concurrency=2), told.append)
    assert told == sorted(told)
    assert told[-1] == 40
    assert 3 <= len(told) <= 8


def test_error_in_the_progress_callback_closes_everything(service: Service) -> None:
    def fail(_finished: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BuiltinDriver().run(service.job("/slow?ms=50", requests=1000, concurrency=4), fail)
    assert service.wait_for(lambda stats: stats["open"] == 0, within_s=1)["open"] == 0


def test_ctrl_c_is_not_swallowed_and_closes_everything(service: Service) -> None:
    program = textwrap.dedent(f"""
        import os, signal, threading
        from pytest_goleak.load.builtin import BuiltinDriver
        from pytest_goleak.model.plan import Endpoint
        from pytest_goleak.model.protocols import LoadJob
        job = LoadJob(endpoint=Endpoint(name="x", path="/ok"), base_url="{service.url}",
                      requests=10**9, concurrency=8, deadline_s=60)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            BuiltinDriver().run(job)
        except KeyboardInterrupt:
            print("interrupted", len(os.listdir("/dev/fd")))
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith("interrupted")
    assert int(done.stdout.split()[1]) < 8
    assert done.stderr == ""


def test_more_open_files_than_select_can_watch(service: Service) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        before = time.process_time()
        result = run(service, "/slow?ms=200", requests=8, concurrency=4)
        assert result.completed == 8
        assert time.process_time() - before < 0.2
        assert run(service, requests=500, concurrency=16).completed == 500
    finally:
        for fd in files:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_leaves_no_thread_and_no_file_open(service: Service) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    before = held()
    run(service, requests=100, concurrency=16)
    run(service, "/never", requests=100, concurrency=16, deadline_s=0.1)
    assert held() == before


@pytest.mark.parametrize("mistake", [{"concurrency": 0}, {"requests": -1}])
def test_jobs_that_make_no_sense_are_refused(service: Service, mistake: dict[str, int]) -> None:
    with pytest.raises(LoadDriverError, match="expected 0 or more requests and a concurrency of 1 or more"):
        run(service, **mistake)


def test_unsupported_says_why(service: Service) -> None:
    driver = BuiltinDriver()
    assert driver.unsupported(Endpoint(name="x", path="/a")) is None
    assert driver.unsupported(Endpoint(name="x", path="http://h/a")) is None
    assert "scheme gopher; expected http or https" in str(driver.unsupported(Endpoint(name="x", path="gopher://h/a")))
    assert "HEAD request has no body" in str(driver.unsupported(Endpoint(name="x", method="HEAD", body="b")))
    with pytest.raises(LoadDriverError, match="HEAD request has no body"):
        run(service, method="HEAD", body="b")


def test_service_that_accepts_and_stays_silent(service: Service) -> None:
    with silent_server() as url:
        result = run(service, f"{url}/", requests=10, concurrency=4, deadline_s=0.3)
    assert result.errors == {"not answered by the deadline of 0.3 s": 10}
