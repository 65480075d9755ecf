"""``make demo``: judge the example service, then compare the report with what the service says it planted.

The first part is what a user types; the second is here because the example knows its own leaks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_goleak.target.settings import with_go

EXAMPLES = Path(__file__).resolve().parent
SERVICE = EXAMPLES / "service"
TESTS_FAILED = 1
"""pytest's exit code: expected here, since the example leaks on purpose."""


def main() -> int:
    """Run both parts; return 0 only if every planted leak was found and nothing else."""
    with tempfile.TemporaryDirectory(prefix="goleak-demo-") as directory:
        report, planted = Path(directory, "report.json"), Path(directory, "planted.json")
        print("$ cd examples/service && pytest --goleak", flush=True)
        command = [sys.executable, "-m", "pytest", "--goleak", f"--goleak-json={report}", "-p", "no:cacheprovider"]
        if (status := subprocess.run(command, cwd=SERVICE, check=False).returncode) != TESTS_FAILED:
            print(f"pytest ended with {status}; expected {TESTS_FAILED}, since the service leaks on purpose")
            return status or 1
        planted.write_bytes(_ask_what_is_planted(Path(directory)))
        return subprocess.run([sys.executable, EXAMPLES / "demo.py", report, planted], check=False).returncode


def _ask_what_is_planted(directory: Path) -> bytes:
    binary = directory / "service"
    subprocess.run(["go", "build", "-o", binary, "."], cwd=SERVICE, env=with_go(os.environ), check=True)
    return subprocess.run([binary, "-planted"], cwd=SERVICE, check=True, capture_output=True).stdout


if __name__ == "__main__":
    sys.exit(main())
