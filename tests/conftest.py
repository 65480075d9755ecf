"""What every test shares: pytest's own test tools, and a hypothesis profile for shared, noisy machines."""

import fcntl
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pytest_goleak.load.hey import INSTALL
from pytest_goleak.target.settings import with_go

# A shell's background jobs ignore Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOOLS = Path(__file__).parents[1] / ".build" / "bin"

pytest_plugins = ["pytester"]

# Deadlines measure the machine, not the code; examples are the same in every run.

settings.register_profile("shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(scope="session")
def hey() -> str:
    """Return the path of hey, installed once into the repository's build folder if it is not there."""
    installed = TOOLS / "hey"
    found = str(installed) if installed.exists() else shutil.which("hey")
    if found:
        return found
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "hey.lock").open("w") as lock:  # workers of pytest-xdist wait for the first one
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            subprocess.run(INSTALL.split(), check=True, env=with_go({**os.environ, "GOBIN": str(TOOLS)}))
    return str(installed)
