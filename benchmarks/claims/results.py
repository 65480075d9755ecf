"""All claims, checked side by side in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.claims import blocks, experiments
from benchmarks.claims.blocks import BlockErrors
from benchmarks.claims.experiments import FalseAlarms, Power
from benchmarks.claims.share import Share

__all__ = ["Results", "run_all"]

BLOCK_RUNS, RULE_RUNS, POWER_RUNS, CLEAN_RUNS, PACE_RUNS = 20, 5, 0.12, 0.3, 0.15
"""Runs of each check, in multiples of ``--runs``: single blocks are quick, whole experiments are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What all checks found, by the name of what was simulated."""

    blocks: dict[str, BlockErrors]
    effects: dict[str, tuple[Share, Share]]
    rule: dict[str, Share]
    alarms: dict[str, FalseAlarms]
    power: dict[str, Power]
    clean: dict[str, tuple[Share, Share]]
    """Growth of exactly the tolerance: the default one, and a widened one."""
    paces: dict[str, tuple[tuple[Share, Share], tuple[Share, Share]]]
    """Leak and clean, with equal rounds and with longer loaded ones."""


def run_all(runs: int, *, jobs: int = 1) -> Results:
    """Run every check."""
    with ProcessPoolExecutor(jobs) as executor:

        def start(check: Callable[..., Any], names: Iterable[Any], factor: float, **options: Any) -> dict[Any, Any]:
            count = max(10, round(factor * runs))
            return {name: executor.submit(check, name, count, **options) for name in names}

        def join(started: dict[Any, Future[Any]]) -> dict[Any, Any]:
            return {str(name): future.result() for name, future in started.items()}

        def paired(first: dict[Any, Future[Any]], second: dict[Any, Future[Any]]) -> dict[str, Any]:
            joined = join(second)
            return {name: (found, joined[name]) for name, found in join(first).items()}

        levels = start(blocks.block_errors, blocks.NOISE, BLOCK_RUNS)
        effects = start(blocks.effect_coverage, blocks.EFFECTS, BLOCK_RUNS)
        rule = start(blocks.bare_rule, ("white", "heavy-tailed walk (t, 1.5)"), RULE_RUNS)
        alarms = start(experiments.false_alarms, experiments.NO_EFFECT, 1)
        power = start(experiments.power, experiments.CASES, POWER_RUNS)
        default, wide = (
            start(experiments.false_clean, experiments.CASES, CLEAN_RUNS, is_wide=wide) for wide in (False, True)
        )
        equal, longer = (
            start(experiments.drifting, experiments.DRIFTS, PACE_RUNS, is_equal=equal) for equal in (True, False)
        )
        return Results(
            blocks=join(levels),
            effects=join(effects),
            rule=join(rule),
            alarms=join(alarms),
            power=join(power),
            clean=paired(default, wide),
            paces=paired(equal, longer),
        )
