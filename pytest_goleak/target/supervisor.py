"""Run one command in a process group of its own, and end the whole group when our parent says so or is gone.

This is a script, started by :mod:`pytest_goleak.target.group` as ``python -I -S supervisor.py GRACE_S TMP COMMAND…``.
It outlives a pytest that is killed by ``SIGKILL``, and that is its purpose: no service stays behind, nor the temporary
directory TMP, which the parent removes itself if it can.

- standard input: a pipe from the parent. Its end, or any byte, means: end the group.
- standard output: a pipe to the parent, which gets the lines ``started PID``, ``failed ERRNO`` and ``exited CODE``.
- standard error: the log that the command writes to.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

__all__: list[str] = []

_LOG = 2
_POLL_S = 0.01
_KILL_TIMEOUT_S = 5.0
# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the command of our own command line to its end."""
    parent = os.getppid()
    grace_s, tmp, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    woken = _wake_on_child()
    prctl = _prctl()
    # Orphans among the command's children become ours, so that they can be reaped and counted as gone.
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=_LOG,
            stderr=_LOG,
            start_new_session=True,
            # Should this process be killed as well, the command goes with it.
            preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - there is one thread here
        )
    except OSError as error:
        _tell(f"failed {error.errno}")
        return
    _tell(f"started {process.pid}")
    _wait(process, woken, parent)
    if process.returncode is not None:
        _tell(f"exited {process.returncode}")
    _end_group(process, grace_s)
    if process.returncode is not None:
        _tell(f"exited {process.returncode}")
    if os.getppid() != parent:
        shutil.rmtree(tmp, ignore_errors=True)


def _wake_on_child() -> int:
    """Return a descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return readable


def _prctl() -> Callable[[int, int], object]:
    if sys.platform != "linux":
        return lambda _option, _value: None
    libc = ctypes.CDLL(None)
    return lambda option, value: libc.prctl(option, value, 0, 0, 0)


def _tell(line: str) -> None:
    with suppress(BrokenPipeError):  # the parent is gone
        os.write(1, f"{line}\n".encode())


def _wait(process: subprocess.Popen[bytes], woken: int, parent: int) -> None:
    """Return when the command ended, or has to."""
    while process.poll() is None:
        # The parent is looked after, too: a fork of it may keep our pipe open.
        readable, _, _ = select.select([0, woken], [], [], 1.0)
        if 0 in readable or os.getppid() != parent:
            return
        if woken in readable:
            os.read(woken, 4096)


def _end_group(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """Ask all processes of the group to end, wait, and kill those that do not."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, _KILL_TIMEOUT_S)):
        _signal_group(process.pid, number)
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            _reap(process)
            if not _signal_group(process.pid, 0):
                return
            time.sleep(_POLL_S)


def _reap(process: subprocess.Popen[bytes]) -> None:
    # The command first, or its exit code would be lost among those of the others.
    if process.poll() is None:
        return
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _signal_group(group: int, number: int) -> bool:
    """Send *number* to all processes of *group*; return whether there are any."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS denies permission where only zombies are left
        return False
    return True


if __name__ == "__main__":
    main()
