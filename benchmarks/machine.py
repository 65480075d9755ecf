"""The machine that a benchmark runs on: its tools, its Go, and how busy it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pytest_goleak.load.hey import INSTALL

__all__ = ["ROOT", "describe", "go_version", "load_average", "require_hey", "use_go"]

ROOT = Path(__file__).resolve().parents[1]
"""Of the repository."""

TOOLS = ROOT / ".build" / "bin"


def use_go(path: str) -> None:
    """Let every later ``go`` be the one at *path*: its program, or the directory of that."""
    go = Path(path).resolve()
    folder = go if go.is_dir() else go.parent
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    os.environ["GOTOOLCHAIN"] = "local"


def require_hey() -> str:
    """Return the path of hey, installed into the build folder if there is none."""
    installed = TOOLS / "hey"
    found = str(installed) if installed.exists() else shutil.which("hey")
    if found is None:
        TOOLS.mkdir(parents=True, exist_ok=True)
        subprocess.run(INSTALL.split(), check=True, env={**os.environ, "GOBIN": str(TOOLS)})
    return found or str(installed)


def describe() -> str:
    """Return Go, processors and load in one line."""
    return f"{go_version()}, {os.cpu_count()} processors, load average {load_average():.1f}"


def go_version() -> str:
    """Return what ``go version`` prints."""
    return subprocess.run(["go", "version"], capture_output=True, text=True, check=True).stdout.strip()


def load_average() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]
