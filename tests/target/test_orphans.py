"""However pytest ends, the service ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import pytest_goleak
from pytest_goleak.model.errors import TargetError
from pytest_goleak.target.process import start
from tests.target.test_started import is_gone, make_plan, wait_until

# What pytest does, in small: hold a target open, and wait.
HOLDER = """
import os, sys, time
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.process import start
command = (sys.argv[1], "-addr", "127.0.0.1:{port}", "-child", *sys.argv[2:])
with start(TargetPlan(command=command, ready="/ready"), redact=str, grace_s=0.5) as target:
    print(target.pid, target.output().split()[-1], target._log.parent, flush=True)
    while sys.stdin.readline() == "fork\\n":
        print(os.fork() or time.sleep(60), flush=True)
print("stopped", flush=True)
"""


@pytest.fixture
def holder(service_program: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOLDER, str(service_program)]
    pipe = subprocess.PIPE
    env = {**os.environ, "PYTHONPATH": str(Path(pytest_goleak.__file__).parents[1])}
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        yield process
        process.kill()


def started_pids(holder: subprocess.Popen[str]) -> tuple[list[int], Path]:
    assert holder.stdout is not None
    *words, tmp = holder.stdout.readline().split()
    pids = [int(word) for word in words]
    assert len(pids) == 2
    assert not any(is_gone(pid) for pid in pids)
    return pids, Path(tmp)


def tell(holder: subprocess.Popen[str], word: str) -> str:
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(f"{word}\n")
    holder.stdin.flush()
    return holder.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_orphan_remains(holder: subprocess.Popen[str], number: signal.Signals) -> None:
    pids, tmp = started_pids(holder)
    assert tmp.is_dir()
    holder.send_signal(number)
    holder.wait(timeout=20)
    # The grandchild ignores SIGTERM, so that it lives for the whole grace period.
    assert wait_until(lambda: all(is_gone(pid) for pid in pids), timeout_s=20)
    assert wait_until(lambda: not tmp.exists(), timeout_s=5)


@pytest.mark.parametrize("ends_by", ["kill", "stop"])
def test_a_fork_that_holds_the_pipe_changes_nothing(holder: subprocess.Popen[str], ends_by: str) -> None:
    pids, _ = started_pids(holder)
    fork = int(tell(holder, "fork"))
    try:
        if ends_by == "kill":
            holder.kill()
        else:
            started = time.monotonic()
            assert tell(holder, "stop") == "stopped\n"
            assert time.monotonic() - started < 8
        assert wait_until(lambda: all(is_gone(pid) for pid in pids), timeout_s=20)
        assert not is_gone(fork)
    finally:
        os.kill(fork, signal.SIGKILL)


def test_a_killed_supervisor_takes_the_service_along(service_program: Path) -> None:
    with start(make_plan(service_program, "-child"), redact=str) as target:
        child = int(target.output().split()[-1])
        assert target.pid is not None
        supervisor = psutil.Process(target.pid).parent()
        assert supervisor is not None
        supervisor.kill()
        assert wait_until(lambda: is_gone(target.pid or 0))
        with pytest.raises(TargetError, match="killed by SIGKILL"):
            target.check_alive()
        assert wait_until(lambda: is_gone(child))
    with suppress(psutil.NoSuchProcess):
        assert not supervisor.is_running()
