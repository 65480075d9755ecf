from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from pytest_goleak.load.command import find_executable, run_command
from pytest_goleak.model.errors import LoadDriverError


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def script(folder: Path, text: str) -> str:
    program = folder / "tool"
    program.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    program.chmod(0o755)
    return str(program)


def test_output_of_a_tool(tmp_path: Path) -> None:
    output = run_command([script(tmp_path, "echo $1; echo noise >&2"), "hello"], timeout_s=5)
    assert (output.stdout, output.timed_out) == ("hello\n", False)


def test_interrupted_tool_may_print_its_summary(tmp_path: Path) -> None:
    tool = script(tmp_path, "trap 'echo summary; exit 1' INT; echo begun; while :; do sleep 0.05; done")
    output = run_command([tool], timeout_s=0.3)
    assert output.timed_out
    assert output.stdout == "begun\nsummary\n"


def test_deaf_tool_is_killed_with_its_children(tmp_path: Path) -> None:
    tool = script(tmp_path, "trap '' INT; sleep 60 & echo $!; wait; wait; sleep 60")
    started = time.monotonic()
    output = run_command([tool], timeout_s=0.2)
    assert output.timed_out
    assert time.monotonic() - started < 5
    assert wait_until_gone(int(output.stdout))


def test_children_that_a_tool_leaves_behind_are_killed(tmp_path: Path) -> None:
    output = run_command([script(tmp_path, "sleep 60 >/dev/null 2>&1 & echo $!")], timeout_s=5)
    assert wait_until_gone(int(output.stdout))


def test_ctrl_c_kills_the_tool(tmp_path: Path) -> None:
    tool = script(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    program = textwrap.dedent(f"""
        import os, signal, threading
        from pytest_goleak.load.command import run_command
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            run_command(["{tool}"], timeout_s=60)
        except KeyboardInterrupt:
            print("interrupted")
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
    assert wait_until_gone(int((tmp_path / "pid").read_text()))


def test_failure_shows_standard_error_and_no_arguments(tmp_path: Path) -> None:
    tool = script(tmp_path, "echo 'cannot do' >&2; echo 'that' >&2; exit 4")
    with pytest.raises(LoadDriverError, match=r"^tool failed with exit status 4: cannot do \| that$"):
        run_command([tool, "s3cret"], timeout_s=5)


def test_silent_failure(tmp_path: Path) -> None:
    with pytest.raises(LoadDriverError, match="tool failed with exit status 4: no message"):
        run_command([script(tmp_path, "exit 4")], timeout_s=5)


def test_program_that_can_not_be_started(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"\x7fnot a program")
    program.chmod(0o755)
    with pytest.raises(LoadDriverError, match="tool can't be started: Exec format error"):
        run_command([str(program)], timeout_s=5)


def test_tools_are_found_where_go_installs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = script(tmp_path, "true")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("GOBIN", str(tmp_path))
    assert find_executable("tool", install="x") == tool
    monkeypatch.delenv("GOBIN")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(LoadDriverError, match=r"'tool' is neither in PATH .* Install it with `go install x`"):
        find_executable("tool", install="go install x")
    assert find_executable(tool, install="x") == tool
