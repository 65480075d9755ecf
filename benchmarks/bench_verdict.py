"""Time and accuracy of verdicts on the example service, with the guide's manual procedure beside them in the same run.

Run it from the repository with ``python -m benchmarks.bench_verdict``: one seed, and the manual procedure on a sample
of the endpoints. ``--full`` takes ten seeds, and the manual procedure on every endpoint. What is planted comes from
the service's own list. Times are those of one endpoint's examination, the service built and started before.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx

from benchmarks.machine import ROOT, describe, load_average, require_hey, use_go
from benchmarks.manual_procedure import LITERAL, SWEEP, ManualResult, Thresholds, examine, run_hey
from pytest_goleak.config import load
from pytest_goleak.fetch.secret import resolve_token
from pytest_goleak.model.plan import Endpoint, RunPlan
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.service import DEFAULT_SAMPLE_BYTES
from pytest_goleak.session.session import GoleakSession
from pytest_goleak.target.open import open_target

SERVICE = ROOT / "examples" / "service"

SAMPLE = ("/fixed/global", "/fixed/worker", "/leak/cache", "/leak/channel")
"""Endpoints that the manual procedure is tried on unless all are asked for: two that leak, two that do not."""

MAX_CLEAN_S = 3.0
MAX_LEAK_S = 12.0
MAX_PROVEN_S = 4.0
MIN_MANUAL_RATIO = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One endpoint examined once, by us or by hand, beside the truth."""

    path: str
    seed: int
    expected: str | None
    """Function that is to blame, ``None`` where nothing leaks."""
    duration_s: float
    outcome: str
    blamed: str = ""
    """Function of the first finding."""
    requests: int = 0
    is_proven: bool = False
    """Whether the runtime proved the leak (``goroutineleak``)."""

    @property
    def is_right(self) -> bool:
        """Whether the outcome is the true one."""
        return self.outcome == (Outcome.LEAK if self.expected else Outcome.CLEAN)

    @property
    def blames_right(self) -> bool:
        """Whether the first finding names the planted function."""
        return self.blamed == self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTrial:
    """The manual procedure on one endpoint, beside the truth."""

    path: str
    expected: str | None
    result: ManualResult


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 1 if ``--check`` is given and a figure is not reached."""
    options = _parse(argv)
    if options.go:
        use_go(options.go)
    plan = _plan(1, options.memprofilerate)
    planted = _planted(plan)
    chosen = [each for each in plan.endpoints if re.search(options.only, each.path)]
    if not chosen:
        raise SystemExit(f"--only {options.only!r} matches none of: {', '.join(each.path for each in plan.endpoints)}")
    print(describe(), flush=True)
    trials: list[Trial] = []
    manual: list[ManualTrial] = []
    for number, seed in enumerate(options.seeds):
        by_hand = _by_hand(options.manual, chosen) if number == 0 else []
        seeded = _plan(seed, options.memprofilerate)
        for trial in _examine_all(seeded, chosen, planted, by_hand):
            if isinstance(trial, Trial):
                trials.append(trial)
                _show_trial(trial)
            else:
                manual.append(trial)
                _show_manual(trial)
        print(f"seed {seed} done, load average {load_average():.1f}", flush=True)
    if options.json:
        document = {"trials": [asdict(each) for each in trials], "manual": [asdict(each) for each in manual]}
        options.json.write_text(json.dumps(document, indent=2))
    is_reached = _summarize(trials, manual)
    return 0 if is_reached or not options.check else 1


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="ten seeds, and the manual procedure on every endpoint")
    parser.add_argument("--runs", type=int, help="number of seeds (default 1, with --full 10)")
    parser.add_argument("--seeds", type=_numbers, help="which seeds, such as 3,5,8 (default 1 to RUNS)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="endpoints whose path matches (default all)")
    parser.add_argument("--manual", choices=("none", "sample", "all"), help="endpoints to examine by hand as well")
    parser.add_argument("--go", metavar="PATH", help="Go to build with: its program, or the directory of that")
    parser.add_argument("--memprofilerate", type=int, metavar="BYTES", help="heap sampling (default: the plan's)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single result")
    parser.add_argument("--check", action="store_true", help="fail if a figure is not reached")
    options = parser.parse_args(argv)
    runs = options.runs or (10 if options.full else 1)
    options.seeds = options.seeds or list(range(1, runs + 1))
    options.manual = options.manual or ("all" if options.full else "sample")
    return options


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _by_hand(which: str, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    match which:
        case "none":
            return []
        case "sample":
            return [each for each in endpoints if each.path in SAMPLE]
        case _:
            return list(endpoints)


# --- one examination ------------------------------------------------------------------------------------------------


def _examine_all(
    plan: RunPlan, endpoints: Sequence[Endpoint], planted: Mapping[str, str], by_hand: Sequence[Endpoint]
) -> Iterator[Trial | ManualTrial]:
    """Yield the trials of one seed: ours, and right after it the manual one where there is to be one."""
    seeded = {each.name: each for each in plan.endpoints}
    hey = require_hey() if by_hand else ""
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers()) as session:
        for endpoint in endpoints:
            report = session.check(seeded[endpoint.name], item_id=endpoint.name)
            yield _trial(report, planted.get(f"{endpoint.method} {endpoint.path}"))
            if endpoint in by_hand:
                yield _examine_by_hand(plan, endpoint, planted, hey)


def _plan(seed: int, memprofilerate: int | None) -> RunPlan:
    # The example shortens the idle wait; what is measured here is the default.
    plan = load.read(SERVICE / "goleak.toml", overrides={"measure.seed": seed, "measure.idle": "8s"})
    return replace(plan, target=replace(plan.target, memprofilerate=memprofilerate or plan.target.memprofilerate))


def _trial(report: EndpointReport, expected: str | None) -> Trial:
    return Trial(
        path=report.path,
        seed=report.seed,
        expected=expected,
        duration_s=report.duration_s,
        outcome=report.outcome,
        blamed=report.findings[0].function if report.findings else "",
        requests=report.requests,
        is_proven=any(finding.proven for finding in report.findings),
    )


def _examine_by_hand(plan: RunPlan, endpoint: Endpoint, planted: Mapping[str, str], hey: str) -> ManualTrial:
    """Carry out the manual procedure on a process of its own, with the profiling rate that Go has by default."""
    with (
        open_target(replace(plan.target, memprofilerate=DEFAULT_SAMPLE_BYTES)) as target,
        _client(plan) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = target.url + endpoint.path
        result = examine(lambda: run_hey(hey, url), client, pprof_url=target.pprof_url, folder=Path(folder))
    expected = planted.get(f"{endpoint.method} {endpoint.path}")
    return ManualTrial(path=endpoint.path, expected=expected, result=result)


@contextmanager
def _client(plan: RunPlan) -> Iterator[httpx.Client]:
    token = resolve_token(plan.auth, root=plan.target.root)
    assert token is not None
    assert plan.auth.header is not None
    with httpx.Client(headers={plan.auth.header: token.reveal()}, trust_env=False, timeout=60) as client:
        yield client


def _planted(plan: RunPlan) -> dict[str, str]:
    """Return the functions to blame, by method and path, from the service's own list."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "service")
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=SERVICE, check=True)
        listed = subprocess.run(
            [str(program), "-planted"], cwd=plan.target.root, capture_output=True, text=True, check=True
        )
    return {plant["leaky"]: plant["function"] for plant in json.loads(listed.stdout)}


# --- the tables -----------------------------------------------------------------------------------------------------


def _show_trial(trial: Trial) -> None:
    mark = "" if trial.is_right and (not trial.expected or trial.blames_right) else "  <-- wrong"
    blamed = f"{trial.blamed} (proven)" if trial.is_proven else trial.blamed
    print(
        f"  {trial.path:24}{trial.outcome:14}{trial.duration_s:6.1f} s{trial.requests:10,} requests  {blamed}{mark}",
        flush=True,
    )


def _show_manual(trial: ManualTrial) -> None:
    result = trial.result
    print(
        f"    by hand             {'leak' if result.is_leak(LITERAL) else 'clean':14}{result.duration_s:6.1f} s"
        f"   {result.heap_bytes / 1024:+,.0f} KiB, {result.goroutines:+,} goroutines",
        flush=True,
    )


def _summarize(trials: Sequence[Trial], manual: Sequence[ManualTrial]) -> bool:
    """Print the figures, and return whether all of those that could be measured are reached."""
    clean = [each.duration_s for each in trials if not each.expected]
    proven = [each.duration_s for each in trials if each.expected and each.is_proven]
    unproven = [each.duration_s for each in trials if each.expected and not each.is_proven]
    by_hand = [each.result.duration_s for each in manual]
    print(f"\n{'seconds to a verdict':34}{'n':>5}{'median':>9}{'least':>8}{'most':>8}{'target':>9}")
    reached = [
        _show_times("clean endpoints", clean, MAX_CLEAN_S),
        _show_times("leaks", unproven, MAX_LEAK_S),
        _show_times("leaks that goroutineleak proves", proven, MAX_PROVEN_S),
        _show_times("by hand", by_hand, None),
    ]
    if by_hand and clean:
        ratio = statistics.median(by_hand) / statistics.median(clean)
        print(f"by hand / clean endpoints: {ratio:.1f} (target >= {MIN_MANUAL_RATIO:g})")
        reached.append(ratio >= MIN_MANUAL_RATIO)
    reached.append(_show_accuracy(trials))
    if manual:
        _show_manual_accuracy(manual)
    return all(reached)


def _show_times(name: str, seconds: Sequence[float], target_s: float | None) -> bool:
    if not seconds:
        return True
    median = statistics.median(seconds)
    target = f"<= {target_s:g}" if target_s else "-"
    print(f"{name:34}{len(seconds):5}{median:9.1f}{min(seconds):8.1f}{max(seconds):8.1f}{target:>9}")
    return target_s is None or median <= target_s


def _show_accuracy(trials: Sequence[Trial]) -> bool:
    leaky = [each for each in trials if each.expected]
    clean = [each for each in trials if not each.expected]
    found = [each for each in leaky if each.is_right]
    named = [each for each in found if each.blames_right]
    alarms = [each for each in clean if each.outcome == Outcome.LEAK]
    undecided = [each for each in trials if each.outcome in (Outcome.INCONCLUSIVE, Outcome.ERROR)]
    print(
        f"\naccuracy, ours:    {len(found)} of {len(leaky)} leaks found, {len(alarms)} false alarms on {len(clean)} "
        f"clean endpoints, {len(undecided)} without a verdict; {len(named)} of {len(leaky)} name the function on top"
    )
    return len(named) == len(leaky) and not alarms


def _show_manual_accuracy(manual: Sequence[ManualTrial]) -> None:
    leaky = [each for each in manual if each.expected]
    named = sum((each.expected or "") in each.result.shown for each in leaky)
    print(f"accuracy, by hand: {_rates(manual, LITERAL)} ({LITERAL});")
    print(f"                   the planted function is somewhere in what is shown of {named} of {len(leaky)} leaks")
    print("other thresholds, best first:")
    for thresholds in sorted(SWEEP, key=lambda each: -_right(manual, each))[:6]:
        print(f"  {_right(manual, thresholds) / len(manual):4.0%} right: {_rates(manual, thresholds)} ({thresholds})")


def _right(manual: Iterable[ManualTrial], thresholds: Thresholds) -> int:
    return sum(each.result.is_leak(thresholds) == bool(each.expected) for each in manual)


def _rates(manual: Sequence[ManualTrial], thresholds: Thresholds) -> str:
    leaky = [each.result.is_leak(thresholds) for each in manual if each.expected]
    clean = [each.result.is_leak(thresholds) for each in manual if not each.expected]
    return f"{sum(leaky)} of {len(leaky)} leaks found, {sum(clean)} false alarms on {len(clean)} clean endpoints"


if __name__ == "__main__":
    sys.exit(main())
