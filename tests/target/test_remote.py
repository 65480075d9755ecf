from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.open import open_target
from pytest_goleak.target.process import start
from pytest_goleak.target.settings import find_free_port
from tests.target.test_started import make_plan


def refused(plan: TargetPlan) -> str:
    with pytest.raises(TargetError) as caught, open_target(plan):
        pytest.fail("it was there")
    return str(caught.value)


def test_attaches_to_a_running_service(service_program: Path) -> None:
    with start(make_plan(service_program), redact=str) as running:
        plan = TargetPlan(url=running.url + "/", ready="/ready", pprof="/internal/pprof/")
        with open_target(plan) as target:
            assert target.url == running.url
            assert target.pprof_url == f"{running.url}/internal/pprof"
            assert target.pid is None
            assert target.output() == ""
            target.check_alive()
        running.check_alive()  # it is not ours to stop


def test_without_ready_a_connection_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plan = TargetPlan(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with open_target(plan) as target:
            assert target.url == plan.url


def test_unix_socket(tmp_path: Path) -> None:
    plan = TargetPlan(url="http://service", socket="s", root=str(tmp_path))
    assert f"unix socket {tmp_path / 's'}" in refused(plan)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with open_target(plan) as target:
            assert target.socket == str(tmp_path / "s")


def test_nobody_listens() -> None:
    port = find_free_port()
    message = refused(TargetPlan(url=f"http://127.0.0.1:{port}"))
    assert f"Nobody listens at 127.0.0.1:{port}" in message
    assert "Connection refused" in message


def test_never_ready(service_program: Path) -> None:
    with start(make_plan(service_program), redact=str) as running:
        started = time.monotonic()
        message = refused(TargetPlan(url=running.url, ready="/nope", startup_timeout_s=0.3))
        assert time.monotonic() - started < 3
    assert "/nope is not ready after 0.3 s: the last request answered 404" in message


def test_becomes_ready_soon(service_program: Path) -> None:
    with (
        start(make_plan(service_program, "-ready-after", "500ms", ready="/goroutines"), redact=str) as running,
        open_target(TargetPlan(url=running.url, ready="/ready")) as target,
    ):
        assert target.url == running.url


def test_nothing_to_attach_to() -> None:
    assert "set target.url, or target.command" in refused(TargetPlan())


def test_no_url() -> None:
    assert "target.url is 'example.com'" in refused(TargetPlan(url="example.com"))
