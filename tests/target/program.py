"""Build the Go service that the tests of `target/` and `fetch/` run; its source is beside this file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pytest_goleak.target.settings import with_go

SOURCE = Path(__file__).parent / "service"


def build_service(directory: Path) -> Path:
    program = directory / "service"
    command = ["go", "build", "-o", str(program), "."]
    env = with_go(os.environ)
    subprocess.run(["env", *command], cwd=SOURCE, env=env, check=True, timeout=300)
    return program
