"""The example service keeps its promises: its API, its token, its end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from tests.examples.conftest import Starter
from tests.examples.running import SOURCE, TOKEN, Service

_DEBUG_PATHS = [
    "/debug/pprof/",
    "/debug/pprof/heap",
    "/debug/pprof/goroutine?debug=1",
    "/debug/pprof/allocs",
    "/debug/pprof/cmdline",
    "/debug/pprof/symbol",
    "/debug/vars",
]


@pytest.mark.parametrize("path", _DEBUG_PATHS)
def test_debug_paths_need_the_token(example: Service, path: str) -> None:
    answer = example.get(path)
    assert answer.status == 401
    assert "Authotization" in answer.text
    assert TOKEN not in answer.text


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), f"Bearer {TOKEN}"])
def test_a_wrong_token_is_refused(example: Service, wrong: str) -> None:
    assert example.get("/debug/pprof/heap", Authotization=wrong).status == 401


def test_the_correctly_spelled_header_is_not_the_one(example: Service) -> None:
    assert example.get("/debug/pprof/heap", Authorization=TOKEN).status == 401


@pytest.mark.parametrize("path", _DEBUG_PATHS)
def test_the_header_opens_debug_paths(example: Service, path: str) -> None:
    with closing(example.connect()) as connection:
        connection.request("GET", path, headers={"Authotization": TOKEN})
        response = connection.getresponse()
        assert response.status == 200
        assert response.read()


def test_the_query_opens_debug_paths(example: Service) -> None:
    assert example.get(f"/debug/pprof/goroutine?debug=1&token={TOKEN}").status == 200
    assert example.get("/debug/pprof/goroutine?debug=1&token=wrong").status == 401


def test_the_index_offers_the_profiles(example: Service) -> None:
    index = example.profile("")
    assert all(f"{name}?debug=" in index for name in ("heap", "goroutine", "allocs"))


def test_expvar_publishes_the_memory_statistics(example: Service) -> None:
    assert "HeapAlloc" in example.get("/debug/vars", Authotization=TOKEN).json()["memstats"]


def test_the_environment_wins_over_the_file(starter: Starter) -> None:
    with starter.run(PPROF_TOKEN="from the environment") as service:
        assert service.get("/debug/vars", Authotization="from the environment").status == 200
        assert service.get("/debug/vars", Authotization=TOKEN).status == 401


def test_no_token_file_is_an_error_not_an_open_door(starter: Starter, tmp_path: Path) -> None:
    message = starter.fail(cwd=tmp_path)
    assert "PPROF_TOKEN" in message
    assert "env.json" in message


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"pprof": {"static_token": ""}}', '{"pprof": {"static_token": 1}}']
)
def test_a_file_without_token_is_an_error_not_an_open_door(starter: Starter, tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    assert "other.json" in starter.fail("-env", "other.json", cwd=tmp_path)


def test_a_taken_port_is_an_error(starter: Starter, example: Service) -> None:
    assert "cannot listen" in starter.fail("-addr", example.address)


def test_healthcheck_and_monitoring_are_open(example: Service) -> None:
    assert example.get("/api/v1/healthcheck").json() == {"status": "ok"}
    monitoring = example.get("/api/v1/monitoring/memory").json()
    assert set(monitoring) == {"alloc_mb", "total_alloc_mb", "sys_mb", "num_gc", "goroutines"}
    assert all(type(value) is int for value in monitoring.values())


def test_unknown_paths_and_methods_are_refused(example: Service) -> None:
    assert example.get("/leak/unknown").status == 404
    with closing(example.connect()) as connection:
        connection.request("POST", "/leak/global")
        response = connection.getresponse()
        assert response.status == 405
        assert response.read()


def test_the_list_of_planted_leaks_is_complete(example: Service) -> None:
    planted = example.planted().values()
    assert len(planted) == 11
    assert {tuple(leak) for leak in planted} == {
        (
            *("cause", "leaky", "fixed", "kind", "function", "file"),
            *("goroutines_per_request", "bytes_per_request", "objects_per_request", "why"),
        )
    }
    for leak in planted:
        slug = leak["leaky"].removeprefix("GET /leak/")
        assert leak["fixed"] == f"GET /fixed/{slug}"
        assert leak["kind"] == ("goroutine" if leak["goroutines_per_request"] else "heap")
        assert leak["bytes_per_request"] > 128, "too small to be called a leak with the default tolerance"
        assert (SOURCE / leak["file"]).is_file()


def test_the_flag_prints_the_same_list(starter: Starter, example: Service, tmp_path: Path) -> None:
    printed = subprocess.run(  # where there is no env.json: the list needs no token
        [starter.program, "-planted"], cwd=tmp_path, env=starter.environment({}), capture_output=True, check=True
    )
    assert json.loads(printed.stdout) == example.get("/planted").json()
    assert not printed.stderr


def test_every_planted_endpoint_is_in_the_configuration(example: Service) -> None:
    document = tomllib.loads((SOURCE / "goleak.toml").read_text())
    configured = [endpoint["path"] for endpoint in document["endpoints"]]
    planted = [leak[key].removeprefix("GET ") for leak in example.planted().values() for key in ("leaky", "fixed")]
    assert sorted(configured) == sorted([*planted, "/api/v1/healthcheck"])


def _stop(service: Service) -> float:
    """Send SIGTERM, and return the seconds until the service has ended well."""
    started = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    return time.monotonic() - started


def test_sigterm_ends_the_service_whatever_it_has_leaked(starter: Starter) -> None:
    with starter.run() as service:
        for leak in service.planted().values():
            service.send(leak["leaky"].removeprefix("GET "), 20)
        assert _stop(service) < 2


def test_a_request_under_way_is_answered_before_the_end(starter: Starter) -> None:
    with starter.run() as service, closing(service.connect()) as connection:
        connection.request("GET", "/debug/pprof/trace?seconds=1", headers={"Authotization": TOKEN})
        assert service.wait_until(lambda: "pprof.Trace" in service.profile("goroutine?debug=1"))
        assert _stop(service) < 2
        response = connection.getresponse()
        assert response.status == 200
        assert response.read().startswith(b"go 1.")


def test_a_request_that_takes_too_long_does_not_delay_the_end(starter: Starter) -> None:
    with starter.run() as service, closing(service.connect()) as connection:
        connection.request("GET", "/debug/pprof/trace?seconds=60", headers={"Authotization": TOKEN})
        assert service.wait_until(lambda: "pprof.Trace" in service.profile("goroutine?debug=1"))
        assert _stop(service) < 2
