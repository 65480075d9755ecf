"""What a screen gains: fifty endpoints of the corpus, with it and without, in one run: ``make bench-screen``.

Few of them leak, as in a service that somebody keeps: the screen has to leave those to a closer look.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from random import Random

from benchmarks.accuracy.cases import Case, built, plan_of
from benchmarks.machine import describe
from pytest_goleak.model.plan import LoadPlan, RunPlan
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.screening import screen_session
from pytest_goleak.session.session import GoleakSession

HOLDING = ("cache", "client abort", "drain", "noise", "slow", "step")
"""Categories of clean endpoints that keep something for a while or up to a bound, or make one wait."""


def main() -> None:
    """Print both times, their ratio, and what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=50)
    parser.add_argument("--leaking", type=int, default=3, help="how many of them leak")
    parser.add_argument("--quiet", action="store_true", help="only endpoints that hold nothing, and leaks")
    parser.add_argument("--wait", default="0s", metavar="TIME", help="that every endpoint takes before it answers")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(describe())
    with built() as corpus:
        plain = [case for case in corpus.cases if case.environment == "plain" and not (options.quiet and holds(case))]
        cases = chosen(plain, options.endpoints, options.leaking, seed=options.seed)
        target = {**corpus.targets["plain"]}
        target["command"] = [*target["command"], "-wait", options.wait]
        plan = plan_of(target, cases, concurrency=LoadPlan().concurrency, seed=options.seed)
        screened_s, screened = timed(plan, is_screening=True)
        alone_s, alone = timed(plan, is_screening=False)
    cleared = sum(report.screened_with is not None for report in screened.values())
    print(f"with the screen      {screened_s:6.0f} s  {score(cases, screened)}; {cleared} cleared by it")
    print(f"each one alone       {alone_s:6.0f} s  {score(cases, alone)}")
    print(f"gain                 {alone_s / screened_s:6.1f} x")


def holds(case: Case) -> bool:
    """Whether *case* is a clean one that is told from a leak only with time or many requests, or is slow."""
    return not case.truth.leaks and case.category in HOLDING


def chosen(cases: list[Case], count: int, leaking: int, *, seed: int) -> list[Case]:
    """Return *count* cases in random order, *leaking* of which leak."""
    random = Random(seed)
    leaks = random.sample([case for case in cases if case.truth.leaks], leaking)
    clean = random.sample([case for case in cases if not case.truth.leaks], count - leaking)
    return random.sample([*leaks, *clean], count)


def timed(plan: RunPlan, *, is_screening: bool) -> tuple[float, dict[str, EndpointReport]]:
    """Return the seconds that the whole run took, its service started before, and the reports by name."""
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers()) as session:
        _ = session.service.equipment
        started = time.monotonic()
        reports: dict[str, EndpointReport] = {}
        if is_screening:
            reports |= screen_session(session, [(endpoint.name, endpoint) for endpoint in plan.endpoints])
        for endpoint in plan.endpoints:
            if endpoint.name not in reports:
                reports[endpoint.name] = session.check(endpoint, item_id=endpoint.name)
        return time.monotonic() - started, reports


def score(cases: list[Case], reports: Mapping[str, EndpointReport]) -> str:
    """Return what was found, in words."""
    leaks = [reports[case.name].outcome for case in cases if case.truth.leaks]
    clean = [reports[case.name].outcome for case in cases if not case.truth.leaks]
    return (
        f"{leaks.count(Outcome.LEAK)} of {len(leaks)} leaks found, {clean.count(Outcome.LEAK)} false alarms, "
        f"{leaks.count(Outcome.CLEAN)} leaks called clean, "
        f"{clean.count(Outcome.INCONCLUSIVE) + leaks.count(Outcome.INCONCLUSIVE)} inconclusive"
    )


if __name__ == "__main__":
    main()
