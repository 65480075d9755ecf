"""What the plugin costs at the start of every pytest session that does not use it, in milliseconds of processor time.

Run it from the repository with ``python -m benchmarks.bench_startup``. Sessions with and without the plugin, each a
process that collects an empty directory, take turns; the figure is the median difference within a pair. No other
plugin is loaded, so that nothing is imported for us by someone else. ``--imports`` shows what the plugin imports.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PLUGIN = ("-p", "pytest_goleak.plugin")
SESSION = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
NO_TESTS = 5
"""Exit code of a session that collects nothing."""
MAX_MS = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print the cost; return 1 if ``--check`` is given and it is above the target."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=25, help="sessions of each kind (default %(default)s)")
    parser.add_argument("--imports", action="store_true", help="list what the plugin imports, the slowest first")
    parser.add_argument("--check", action="store_true", help=f"fail above {MAX_MS:g} ms")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "empty").mkdir()
        if options.imports:
            _show_imports(folder)
            return 0
        without, with_plugin = _measure(folder, options.pairs)
    differences = [b - a for a, b in zip(without, with_plugin, strict=True)]
    cost = statistics.median(differences)
    # Distribution-free 95 % interval of the median: order statistics of a binomial, by its normal approximation.
    margin = round(0.98 * len(differences) ** 0.5)
    middle, ordered = len(differences) // 2, sorted(differences)
    low, high = ordered[max(0, middle - margin)], ordered[min(len(ordered) - 1, middle + margin)]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}")
    print(f"{'processor time in ms':24}{'median of ' + str(len(without)):>14}{'quickest':>10}")
    print(f"{'without the plugin':24}{statistics.median(without):14.1f}{min(without):10.1f}")
    print(f"{'with the plugin':24}{statistics.median(with_plugin):14.1f}{min(with_plugin):10.1f}")
    # What other processes do to ours (caches, shared cores) only ever adds: the quickest sessions have least of it.
    print(f"{'difference':24}{cost:14.1f}{min(with_plugin) - min(without):10.1f}")
    print(f"median within pairs: {cost:.1f} ms (95 % {low:.1f} to {high:.1f}), target <= {MAX_MS:g} ms")
    return 1 if options.check and cost > MAX_MS else 0


def _measure(folder: str, pairs: int) -> tuple[list[float], list[float]]:
    """Return milliseconds without and with the plugin, pair by pair; the first pair of all fills the caches."""
    without, with_plugin = [], []
    for number in range(pairs + 1):
        order = ((), PLUGIN) if number % 2 else (PLUGIN, ())
        spent = {arguments: _session_ms(folder, arguments) for arguments in order}
        if number > 0:
            without.append(spent[()])
            with_plugin.append(spent[PLUGIN])
    return without, with_plugin


def _session_ms(folder: str, arguments: Sequence[str]) -> float:
    before = _children_s()
    _run(folder, *SESSION, *arguments)
    return (_children_s() - before) * 1000


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _run(folder: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=Path(folder, "empty"),
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != NO_TESTS:
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stderr


def _environment(folder: str) -> dict[str, str]:
    """Return an environment in which bytecode is cached, as it is for users, whatever is set here."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(folder, "cache")), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _show_imports(folder: str) -> None:
    """Print the modules that only a session with the plugin imports, with their own time."""
    own = re.compile(r"^import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)$", re.MULTILINE)
    _run(folder, *SESSION, *PLUGIN)  # fills the bytecode cache
    base = {name for _, name in own.findall(_run(folder, "-X", "importtime", *SESSION))}
    found = own.findall(_run(folder, "-X", "importtime", *SESSION, *PLUGIN))
    added = sorted(((int(micros), name) for micros, name in found if name not in base), reverse=True)
    for micros, name in added:
        print(f"{micros / 1000:8.2f} ms  {name}")
    print(f"{sum(micros for micros, _ in added) / 1000:8.2f} ms  in all, with the overhead of -X importtime")


if __name__ == "__main__":
    sys.exit(main())
