"""What the plugin costs at the start of every pytest session that does not use it, in milliseconds of processor time.

Run it from the repository with ``python -m benchmarks.bench_startup``. Sessions with and without the plugin take
turns, each collecting an empty directory; the figure is the median difference within a pair. A session is a fork of
one process that has imported pytest already, so that what varies in that does not hide what the plugin adds: its
imports, options, hooks and fixtures. The session without it loads an empty plugin in its place, since pytest looks
through all installed packages for each ``-p``. No other plugin is loaded: it might import for ours.
``--imports`` lists what the plugin imports.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path

import pytest

PLUGIN = ("-p", "pytest_goleak.plugin")
NOTHING = ("-p", "empty_plugin")
SESSION = ("--collect-only", "-q", "-p", "no:cacheprovider")
MAX_MS = 10.0

_OWN_TIME = re.compile(r"^import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)$", re.MULTILINE)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the cost; return 1 if ``--check`` is given and it is above the target."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=100, help="sessions of each kind (default %(default)s)")
    parser.add_argument("--imports", action="store_true", help="list what the plugin imports, the slowest first")
    parser.add_argument("--check", action="store_true", help=f"fail above {MAX_MS:g} ms")
    options = parser.parse_args(argv)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as empty, chdir(empty):
        # Bytecode is cached, as it is for users, whatever is set here.
        sys.pycache_prefix, sys.dont_write_bytecode = cache, False
        Path(cache, "empty_plugin.py").touch()
        sys.path.append(cache)
        if options.imports:
            _show_imports(cache)
            return 0
        without, with_plugin = _measure(options.pairs)
    cost = _show(without, with_plugin)
    return 1 if options.check and cost > MAX_MS else 0


def _measure(pairs: int) -> tuple[list[float], list[float]]:
    """Return milliseconds without and with the plugin, pair by pair."""
    _run(NOTHING)  # imports what pytest needs; the forks inherit it
    _session_ms(PLUGIN)  # fills the bytecode cache
    without, with_plugin = [], []
    for number in range(pairs):
        order = (NOTHING, PLUGIN) if number % 2 else (PLUGIN, NOTHING)
        spent = {arguments: _session_ms(arguments) for arguments in order}
        without.append(spent[NOTHING])
        with_plugin.append(spent[PLUGIN])
    return without, with_plugin


def _session_ms(arguments: Sequence[str]) -> float:
    """Return the processor time of a session in a fork of this process."""
    child = os.fork()
    if child == 0:
        os._exit(_run(arguments))
    _, status, usage = os.wait4(child, 0)
    if (code := os.waitstatus_to_exitcode(status)) != pytest.ExitCode.NO_TESTS_COLLECTED:
        raise SystemExit(f"pytest {' '.join((*SESSION, *arguments))} ended with {code}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def _run(arguments: Sequence[str]) -> int:
    with Path(os.devnull).open("w") as nothing, redirect_stdout(nothing):
        return int(pytest.main([*SESSION, *arguments]))


def _show(without: Sequence[float], with_plugin: Sequence[float]) -> float:
    """Print the figures, and return the median difference."""
    differences = sorted(b - a for a, b in zip(without, with_plugin, strict=True))
    cost = statistics.median(differences)
    # Distribution-free 95 % interval of a median: order statistics, by the binomial's normal approximation.
    middle, margin = len(differences) // 2, round(0.98 * len(differences) ** 0.5)
    low, high = differences[max(0, middle - margin)], differences[min(len(differences) - 1, middle + margin)]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}")
    print(f"without the plugin {statistics.median(without):7.1f} ms of processor time, median of {len(without)}")
    print(f"with the plugin    {statistics.median(with_plugin):7.1f} ms")
    print(f"difference         {cost:7.1f} ms (95 % {low:.1f} to {high:.1f}), target <= {MAX_MS:g} ms")
    # Shared processors only ever add to a session's time: the quickest ones have least of that.
    quick = _first_decile(with_plugin) - _first_decile(without)
    print(f"of the quickest    {quick:7.1f} ms, between the first deciles")
    return cost


def _first_decile(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=10)[0]


def _show_imports(cache: str) -> None:
    """Print the modules that only a session with the plugin imports, with their own time."""
    _traced(cache, PLUGIN)  # fills the bytecode cache
    base = {name for _, name in _OWN_TIME.findall(_traced(cache, ()))}
    found = _OWN_TIME.findall(_traced(cache, PLUGIN))
    added = sorted(((int(micros), name) for micros, name in found if name not in base), reverse=True)
    for micros, name in added:
        print(f"{micros / 1000:8.2f} ms  {name}")
    print(f"{sum(micros for micros, _ in added) / 1000:8.2f} ms  in all, with the overhead of -X importtime")


def _traced(cache: str, arguments: Sequence[str]) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-X", "importtime", "-m", "pytest", *SESSION, *arguments]
    environment["PYTHONPYCACHEPREFIX"] = cache
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr


if __name__ == "__main__":
    sys.exit(main())
