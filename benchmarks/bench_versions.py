"""The engine's answers on a part of the corpus, built by every version of Go that is packaged: ``make bench-versions``.

Prints a row for each version: what its runtime serves, and how many verdicts were right.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks.accuracy.cases import built, spread
from benchmarks.accuracy.run import Batch, judge
from benchmarks.accuracy.trial import Trial
from benchmarks.machine import ROOT, use_go
from pytest_goleak.config.load import from_mapping
from pytest_goleak.model.plan import LoadPlan
from pytest_goleak.model.report import Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.session import GoleakSession
from tools.go_versions import VERSIONS, install

CONCURRENCY = LoadPlan().concurrency


def main() -> int:
    """Print the table; return 1 if a verdict was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", default=list(VERSIONS), metavar="VERSION")
    parser.add_argument("--sample", type=int, default=12, metavar="N", help="endpoints for each version")
    options = parser.parse_args()
    print("| Go | heap, goroutine | `goroutineleak` | right | leaks found | false alarms | leak s | clean s |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = 0
    for version in options.versions:
        profiles, trials = examine(version, sample=options.sample)
        print(row(version, profiles, trials), flush=True)
        for trial in trials:
            if not is_right(trial):
                wrong += 1
                print(f"go{version} {trial.case}: {trial.outcome}, {trial.reason}", file=sys.stderr)
    return min(wrong, 1)


def examine(version: str, *, sample: int) -> tuple[tuple[str, ...], list[Trial]]:
    """Build the corpus with Go *version*; return the profiles it serves, and the trials of *sample* quiet endpoints."""
    path = os.environ["PATH"]
    use_go(str(install(version)))
    try:
        with built() as corpus:
            target = corpus.targets["plain"]
            cases = spread([case for case in corpus.cases if case.environment == "plain"], sample, seed=1)
            with GoleakSession(
                from_mapping({"target": target}, root=ROOT, source="corpus"), drivers=pytest_goleak_load_drivers()
            ) as session:
                profiles = session.service.equipment.profiles
            return profiles, list(judge(Batch(target=target, cases=tuple(cases), concurrency=CONCURRENCY, seed=1)))
    finally:
        os.environ["PATH"] = path


def row(version: str, profiles: Sequence[str], trials: Sequence[Trial]) -> str:
    """Return one row of the table."""
    leaks = [trial for trial in trials if trial.truth.leaks]
    clean = [trial for trial in trials if not trial.truth.leaks]
    cells = (
        version,
        "yes" if {"heap", "goroutine"} <= set(profiles) else "no",
        "yes" if "goroutineleak" in profiles else "no",
        f"{sum(map(is_right, trials))} of {len(trials)}",
        f"{sum(map(is_right, leaks))} of {len(leaks)}",
        f"{sum(trial.outcome is Outcome.LEAK for trial in clean)} of {len(clean)}",
        f"{median(trial.duration_s for trial in leaks):.1f}" if leaks else "-",
        f"{median(trial.duration_s for trial in clean):.1f}" if clean else "-",
    )
    return f"| {' | '.join(cells)} |"


def is_right(trial: Trial) -> bool:
    """Whether the verdict is the true one."""
    return trial.outcome is (Outcome.LEAK if trial.truth.leaks else Outcome.CLEAN)


if __name__ == "__main__":
    sys.exit(main())
