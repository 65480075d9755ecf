"""Running an external load tool: found or explained, in its own process group, never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_goleak.model.errors import LoadDriverError

__all__ = ["CommandOutput", "find_executable", "run_command"]

_GRACE_S = 2.0
"""Seconds that an interrupted tool has to print its summary."""
_STDERR_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOutput:
    """What a tool printed until it ended or was stopped."""

    stdout: str
    timed_out: bool
    """Whether it was interrupted; *stdout* then has what it printed in its last moments, if anything."""


def find_executable(name: str, *, install: str) -> str:
    """Return the path of the tool *name*, looked for in ``PATH`` and where ``go install`` puts programs.

    Args:
        name: A program's name, or a path to one.
        install: The command that installs it, for the error's text.

    Raises:
        LoadDriverError: it is not there.

    """
    go_folders = (
        os.environ.get("GOBIN", ""),
        str(Path(os.environ["GOPATH"], "bin")) if os.environ.get("GOPATH") else "",
        str(Path("~/go/bin").expanduser()),
    )
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(filter(None, go_folders)))
    if found is None:
        raise LoadDriverError(
            f"the load tool {name!r} is neither in PATH nor in Go's folders for programs. "
            f'Install it with `{install}`, or use the built-in driver: driver = "builtin"'
        )
    return found


def run_command(argv: Sequence[str], *, timeout_s: float) -> CommandOutput:
    """Run a tool to its end, or interrupt it (SIGINT, then SIGKILL) after *timeout_s* seconds.

    Raises:
        LoadDriverError: it can't be started, or fails; the text has the first lines of its standard error, not its
            arguments, which may hold secrets.

    """
    tool = Path(argv[0]).name
    try:
        # A group of its own: a Ctrl-C in the terminal reaches us alone, and we stop the tool with all it started.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise LoadDriverError(f"{tool} can't be started: {error.strerror}; expected an executable program") from error
    with process:
        try:
            stdout, stderr, timed_out = _communicate(process, timeout_s)
        finally:
            _signal_group(process, signal.SIGKILL)
    if process.returncode and not timed_out:
        lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["no message"]
        said = " | ".join(lines[:_STDERR_LINES])
        raise LoadDriverError(f"{tool} failed with exit status {process.returncode}: {said}")
    return CommandOutput(stdout=stdout, timed_out=timed_out)


def _communicate(process: subprocess.Popen[str], timeout_s: float) -> tuple[str, str, bool]:
    try:
        return *process.communicate(timeout=timeout_s), False
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGINT)
    try:
        return *process.communicate(timeout=_GRACE_S), True
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
    return *process.communicate(), True


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to the tool and what it started; a group that is gone needs none."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # gone; macOS says so with the latter
        return
