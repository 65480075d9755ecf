"""What the method claims of whole experiments: false alarms, power, and what it makes of rounds that differ in length.

Every check runs the sequential experiment that judges real services on the simulated ones of
:mod:`benchmarks.simulation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.claims.share import Share
from benchmarks.simulation import (
    CLEAN,
    Part,
    SimulatedService,
    breathing_pool,
    cron,
    gaussian,
    judge,
    leak,
)
from pytest_goleak.model.observation import LoadResult, Signal
from pytest_goleak.model.plan import MeasurePlan, Tolerance
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.model.step import Block, BlockResult
from pytest_goleak.stats.experiment import experiment

__all__ = [
    "CASES",
    "DRIFTS",
    "FACTORS",
    "NO_EFFECT",
    "Case",
    "FalseAlarms",
    "Power",
    "drifting",
    "false_alarms",
    "false_clean",
    "power",
]

OVERHEAD_S = 0.03
"""How much longer a loaded round takes, beyond its load, where that is what is studied."""

NO_EFFECT = (
    "quiet",
    "gaussian 36 KiB",
    "heavy-tailed",
    "random walk",
    "saw-tooth 8 MiB",
    "breathing pool 0-99",
    "cron 100 KiB/s",
    "rare steps",
)
"""The simulated services whose levels do not depend on requests at all: only they are what alpha speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """Whole experiments on a service that requests do nothing to."""

    leak: Share
    inconclusive: Share
    drift: Share
    """Background drift reported."""


def false_alarms(service: str, runs: int) -> FalseAlarms:
    """Judge *service* again and again, each time with a coin, noise and speed of its own."""
    verdicts = [judge(CLEAN[service](_rng(seed)), seed=seed, rate=_rate(seed)) for seed in range(1, runs + 1)]
    return FalseAlarms(
        leak=_share(verdicts, Outcome.LEAK),
        inconclusive=_share(verdicts, Outcome.INCONCLUSIVE),
        drift=Share(sum(bool(verdict.background_per_s) for verdict in verdicts), runs),
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A service, and the signal that leaks in it."""

    service: str
    signal: Signal

    @property
    def parts(self) -> list[Part]:
        return list(SERVICES[self.service])

    def __str__(self) -> str:
        return f"{self.signal.value.replace('_', ' ')}, {self.service}"


SERVICES: dict[str, list[Part]] = {
    "quiet": [],
    "noise of 36 KiB, 10 objects": [gaussian(36 * 1024, 10)],
    "pool of 0-9": [breathing_pool(10)],
}
CASES = tuple(
    Case(service, signal)
    for signal, service in (
        (Signal.HEAP_BYTES, "quiet"),
        (Signal.HEAP_BYTES, "noise of 36 KiB, 10 objects"),
        (Signal.HEAP_OBJECTS, "quiet"),
        (Signal.HEAP_OBJECTS, "noise of 36 KiB, 10 objects"),
        (Signal.GOROUTINES, "quiet"),
        (Signal.GOROUTINES, "pool of 0-9"),
    )
)
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Sizes of a leak, in multiples of what the run says that it would have seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How often leaks of some sizes are found."""

    stated: float
    """Median of what the clean runs say that they would have seen, in the signal's unit per request."""
    found: tuple[Share, ...]
    """For each of :data:`FACTORS`."""
    passed: tuple[Share, ...]
    """Called ``clean``, likewise."""
    covered: Share
    """Among the leaks found, of any size: the reported interval holds the truth."""


def power(case: Case, runs: int) -> Power:
    """Plant in each run a multiple of what that very run, without a leak, states as its smallest visible one."""
    stated: list[float] = []
    outcomes: dict[float, list[Verdict]] = {factor: [] for factor in FACTORS}
    held: list[bool] = []
    for seed in range(1, runs + 1):
        clean = judge(case.parts, seed=seed, rate=_rate(seed))
        if clean.outcome is not Outcome.CLEAN:
            continue
        stated.append(clean.signals[case.signal].min_detectable)
        for factor in FACTORS:
            size = factor * stated[-1]
            verdict = judge([*case.parts, _leak_of(case.signal, size)], seed=seed, rate=_rate(seed))
            outcomes[factor].append(verdict)
            estimate = verdict.signals[case.signal]
            if estimate.outcome is Outcome.LEAK:
                held.append(estimate.low <= size * (1 + 1e-9) and estimate.high >= size * (1 - 1e-9))
    return Power(
        stated=float(np.median(stated)),
        found=tuple(_share(verdicts, Outcome.LEAK) for verdicts in outcomes.values()),
        passed=tuple(_share(verdicts, Outcome.CLEAN) for verdicts in outcomes.values()),
        covered=Share(sum(held), len(held)),
    )


WIDE = Tolerance(bytes=1024.0, objects=8.0, goroutines=0.08)
"""A tolerance that a user has widened: growth up to it is permitted, so none of it is suspected."""


def false_clean(case: Case, runs: int, *, is_wide: bool) -> Share:
    """Return how often growth of exactly the tolerance is called ``clean``."""
    tolerance = WIDE if is_wide else Tolerance()
    planted = _leak_of(case.signal, tolerance.of(case.signal))
    plan = MeasurePlan(tolerance=tolerance)
    verdicts = [
        judge([*case.parts, planted], seed=seed, rate=_rate(seed), plan=replace(plan, seed=seed))
        for seed in range(1, runs + 1)
    ]
    return _share(verdicts, Outcome.CLEAN)


# --- rounds that differ in length -----------------------------------------------------------------------------------

DRIFTS = (100 * 1024, 1024 * 1024, 8 * 1024 * 1024)
"""Growth of the background, in bytes per second."""


class PacedService(SimulatedService):
    """A service whose loaded rounds cost time beyond their load: closing connections, settling, slower collections."""

    def __init__(self, parts: list[Part], *, seed: int, rate: float, is_equal: bool) -> None:
        super().__init__(parts, seed=seed, rate=rate)
        self.is_equal = is_equal

    def _block(self, step: Block) -> BlockResult:
        observations = [self._observe(step.looks)]
        loads: list[LoadResult | None] = []
        mean_s = sum(step.doses) / max(1, sum(dose > 0 for dose in step.doses)) / self.rate
        longest_s = 1.3 * mean_s + OVERHEAD_S
        for dose in step.doses:
            began = self.world.now
            loads.append(self._load(dose) if dose else None)
            self.world.now += OVERHEAD_S if dose else step.idle_share * mean_s
            if self.is_equal:
                self.world.now = began + longest_s * (1.0 if dose else step.idle_share)
            observations.append(self._observe(step.looks))
        return BlockResult(observations=tuple(observations), loads=tuple(loads), elapsed_s=self.world.now)


def drifting(drift: float, runs: int, *, is_equal: bool) -> tuple[Share, Share]:
    """Return the share of ``leak`` and of ``clean`` for a service that grows with time alone."""
    verdicts = []
    for seed in range(1, runs + 1):
        service = PacedService([cron(drift, drift / 200)], seed=seed, rate=_rate(seed), is_equal=is_equal)
        verdicts.append(_converse(service, seed))
    return _share(verdicts, Outcome.LEAK), _share(verdicts, Outcome.CLEAN)


# --- parts of the checks --------------------------------------------------------------------------------------------


def _converse(service: SimulatedService, seed: int) -> Verdict:
    conversation = experiment(MeasurePlan(seed=seed))
    step = next(conversation)
    while True:
        try:
            step = conversation.send(service.perform(step))
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def _leak_of(signal: Signal, size: float) -> Part:
    return leak(*(size if each is signal else 0.0 for each in _ORDER))


_ORDER = (Signal.HEAP_BYTES, Signal.HEAP_OBJECTS, Signal.GOROUTINES)


def _share(verdicts: list[Verdict], outcome: Outcome) -> Share:
    return Share(sum(verdict.outcome is outcome for verdict in verdicts), len(verdicts))


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 7])


def _rate(seed: int) -> float:
    """Return the requests per second of run *seed*: between 1,500 and 12,000."""
    return float(np.exp(np.random.default_rng([seed, 11]).uniform(np.log(1500), np.log(12000))))
