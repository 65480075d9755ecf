"""Judge all requests to all servers: ``python -m tests.corpus.servers`` prints a row for each, and what is not right.

Servers run one after the other, each with a new folder for every seed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome
from tests.corpus.servers.install import DIRECTORY, InstallError, install
from tests.corpus.servers.judge import Judged, judge
from tests.corpus.servers.servers import SERVERS


def main(argv: Sequence[str] | None = None) -> int:
    """Judge, print, and return 1 if a verdict is not the expected one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="SERVER", help=f"default all: {' '.join(s.name for s in SERVERS)}")
    parser.add_argument("--seeds", type=_numbers, default=[1], help="such as 1,2,3 (default 1)")
    parser.add_argument("--request", default="", help="only requests with this in their name")
    parser.add_argument("--budget", default="30s", help="longest time for one request (default 30s)")
    parser.add_argument("--series", action="store_true", help="show the series of every verdict that is not clean")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - {server.name for server in SERVERS}:
        parser.error(f"unknown servers: {', '.join(sorted(unknown))}")
    wrong = 0
    print(f"{'server':20}{'version':20}{'request':24}{'verdict':14}{'s':>6}{'requests':>10}{'sees B':>9}")
    for server in SERVERS:
        if options.names and server.name not in options.names:
            continue
        requests = [each for each in server.requests if options.request in each.name]
        for seed in options.seeds if requests else ():
            overrides = {"measure.seed": seed, "measure.budget": options.budget}
            with TemporaryDirectory(prefix="goleak-server-", ignore_cleanup_errors=True) as folder:
                try:
                    installed = install(server, DIRECTORY)
                    for judged in judge(server, installed, folder=Path(folder), requests=requests, overrides=overrides):
                        _show(judged, installed.version, with_series=options.series)
                        wrong += not judged.is_right
                except (GoleakError, InstallError) as failure:
                    print(f"{server.name:20}{failure}")
                    wrong += 1
    print(f"{wrong} verdicts are not the expected ones" if wrong else "all verdicts are the expected ones")
    return 1 if wrong else 0


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _show(judged: Judged, version: str, *, with_series: bool) -> None:
    report = judged.report
    estimate = report.signals.get(Signal.HEAP_BYTES)
    visible = estimate.min_detectable if estimate else math.nan
    mark = "" if judged.is_right else f"  <-- expected {judged.request.expected}"
    print(
        f"{judged.server.name:20}{version:20}{report.name:24}{report.outcome:14}{report.duration_s:6.1f}"
        f"{report.requests:10,}{visible:9.2f}{mark}",
        flush=True,
    )
    if report.outcome is Outcome.CLEAN and judged.is_right:
        return
    print(f"    seed {report.seed}: {report.reason} {report.note}")
    for text in filter(None, [judged.request.by_design]):
        print(f"    by design: {text}")
    for signal, each in report.signals.items():
        print(
            f"    {signal}: {each.outcome}, {each.per_request:.4g} per request ({each.low:.4g} to {each.high:.4g}), "
            f"p = {each.p_value:.2g}"
        )
    for finding in report.findings[:3]:
        print(f"    {finding.location}: {finding.per_request:.4g} {finding.unit} per request, {finding.title}")
    if with_series:
        _show_series(judged)


def _show_series(judged: Judged) -> None:
    print(f"    {'s':>7}{'requests':>10}{'heap B':>13}{'objects':>11}{'goroutines':>12}  stage")
    start = judged.levels[0].observation.at_s if judged.levels else 0.0
    for level in judged.levels:
        seen = level.observation
        print(
            f"    {seen.at_s - start:7.2f}{level.requests:10,}{seen.heap_bytes:13,}{seen.heap_objects:11,}"
            f"{seen.goroutines:12,}  {level.stage}"
        )


if __name__ == "__main__":
    sys.exit(main())
