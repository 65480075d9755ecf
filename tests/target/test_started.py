"""A real service, started as a plan says."""

from __future__ import annotations

import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.open import open_target
from pytest_goleak.target.process import StartedTarget, start
from tests.target.program import SOURCE

COMMAND = ("{tmp}/service", "-addr", "127.0.0.1:{port}")


def ask(target: StartedTarget, path: str) -> str:
    with urllib.request.urlopen(target.url + path, timeout=10) as answer:
        return str(answer.read().decode())


def make_plan(program: Path, *flags: str, **changes: object) -> TargetPlan:
    settings = {"command": (str(program), "-addr", "127.0.0.1:{port}", *flags), "ready": "/ready", **changes}
    return TargetPlan(**settings)  # type: ignore[arg-type]


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 10.0) -> bool:
    until = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def target(service_program: Path) -> Iterator[StartedTarget]:
    with start(make_plan(service_program, "-say", "30"), redact=str) as started:
        yield started


def test_builds_starts_and_stops(tmp_path: Path) -> None:
    plan = TargetPlan(
        build=("go", "build", "-o", "{tmp}/service", "."),
        command=COMMAND,
        cwd=SOURCE.name,
        root=str(SOURCE.parent),
        env={"MARK": "at {port}"},
        ready="/ready",
    )
    with open_target(plan) as target:
        assert isinstance(target, StartedTarget)
        port = target.url.rpartition(":")[2]
        assert target.pprof_url == f"{target.url}/debug/pprof"
        assert ask(target, "/env?name=MARK") == f"at {port}"
        assert ask(target, "/cwd") == str(SOURCE.resolve())
        assert target.pid is not None
        program = Path(psutil.Process(target.pid).exe())
        target.check_alive()
    assert is_gone(target.pid)
    assert not program.exists()
    assert not program.parent.exists()


def test_environment_and_profiling_rate(service_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    monkeypatch.setenv("GODEBUG", "madvdontneed=1")
    plan = make_plan(service_program, memprofilerate=64)
    with start(plan, redact=str) as target:
        assert ask(target, "/env?name=INHERITED") == "yes"
        assert ask(target, "/env?name=GODEBUG") == "madvdontneed=1,memprofilerate=64"
        heap = ask(target, "/debug/pprof/heap?debug=1")
    assert "@ heap/128" in heap.splitlines()[0]  # Go writes twice the rate


def test_output_is_kept_and_cut_to_its_end(target: StartedTarget) -> None:
    assert target.output().splitlines() == [f"line {number}" for number in range(10, 30)]
    target.stop()
    assert target.output().splitlines()[-1] == "line 29"


def test_output_is_redacted(service_program: Path) -> None:
    plan = make_plan(service_program, "-say", "1", "-say-text", "my s3cret")
    with start(plan, redact=lambda text: text.replace("s3cret", "***")) as target:
        assert target.output() == "my *** 0"
    assert target.output() == "my *** 0"


def test_service_has_a_session_of_its_own(target: StartedTarget) -> None:
    assert target.pid is not None
    assert os.getsid(target.pid) == os.getpgid(target.pid) == target.pid != os.getsid(0)


def test_pprof_may_have_an_address_of_its_own(service_program: Path) -> None:
    plan = make_plan(service_program, pprof="http://localhost:{port}/other/")
    with start(plan, redact=str) as target:
        assert target.pprof_url == target.url.replace("127.0.0.1", "localhost") + "/other"


def test_port_may_be_in_url_alone(service_program: Path) -> None:
    plan = TargetPlan(
        command=("sh", "-c", 'exec "$0" -addr "127.0.0.1:$PORT"', str(service_program)),
        env={"PORT": "{port}"},
        url="http://127.0.0.1:{port}/",
        ready="/ready",
    )
    with start(plan, redact=str) as target:
        assert ask(target, "/ready") == ""


def test_unix_socket(service_program: Path, tmp_path: Path) -> None:
    plan = TargetPlan(
        command=(str(service_program), "-socket", str(tmp_path / "s.sock")),
        socket="s.sock",
        root=str(tmp_path),
        ready="/ready",
    )
    with start(plan, redact=str) as target:
        assert target.socket == str(tmp_path / "s.sock")


def test_https_service_gets_ready(service_program: Path) -> None:
    certificates = SOURCE.parents[1] / "fetch" / "test_only_certificates"
    flags = ("-tls-cert", str(certificates / "server.pem"), "-tls-key", str(certificates / "server-key.pem"))
    with start(make_plan(service_program, *flags, url="https://127.0.0.1:{port}"), redact=str) as target:
        assert target.url.startswith("https://")


def test_waits_for_a_slow_start(service_program: Path) -> None:
    started = time.monotonic()
    with start(make_plan(service_program, "-ready-after", "400ms"), redact=str):
        took = time.monotonic() - started
    assert 0.4 <= took < 5


def test_stops_what_ignores_sigterm_and_its_children(service_program: Path) -> None:
    plan = make_plan(service_program, "-ignore-term", "-child")
    with start(plan, redact=str, grace_s=0.2) as target:
        child = int(target.output().split()[-1])
        assert not is_gone(child)
    assert target.pid is not None
    assert is_gone(target.pid)
    assert is_gone(child)


def test_children_of_a_service_that_ended_are_stopped(service_program: Path) -> None:
    plan = make_plan(service_program, "-child", "-exit-after", "300ms")
    with start(plan, redact=str, grace_s=0.2) as target:
        child = int(target.output().split()[-1])
        assert wait_until(lambda: is_gone(child))


def test_an_error_in_the_block_stops_the_service(service_program: Path) -> None:
    with pytest.raises(KeyboardInterrupt), start(make_plan(service_program), redact=str) as target:
        raise KeyboardInterrupt
    assert target.pid is not None
    assert is_gone(target.pid)
