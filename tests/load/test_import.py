from __future__ import annotations

import subprocess
import sys


def test_package_imports_no_driver_and_none_of_their_libraries() -> None:
    program = (
        "import sys, pytest_goleak.load; print([m for m in ('pycurl', 'httpx', 'subprocess') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_each_driver_imports_its_own_library_only() -> None:
    for module, foreign in (("builtin", "httpx"), ("hey", "pycurl"), ("scenario", "pycurl")):
        program = f"import sys, pytest_goleak.load.{module}; print('{foreign}' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n", module
