"""What the method claims, each claim as something that a simulation can contradict.

Every check calls the code that judges real services: :mod:`pytest_goleak.stats.randomisation` on single blocks, and the
whole sequential experiment on the simulated services of :mod:`benchmarks.simulation`. Tables and figures of them are
made by :mod:`benchmarks.check_statistics`; the claims are argued in docs/explanation/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

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
from pytest_goleak.stats.design import CONFIRM_LEVEL, MAX_SUSPICIONS, SUSPICION_LEVEL, Coin
from pytest_goleak.stats.experiment import experiment
from pytest_goleak.stats.randomisation import Experiment, Growth, analyse, pool

Floats = np.ndarray

DOSE = 1_600
LEAK_BYTES = 16.0
"""Constant effect that the coverage of the bounds is checked with."""

OVERHEAD_S = 0.03
"""How much longer a loaded round takes, beyond its load, where that is what is studied."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened in independent runs."""

    hits: int
    runs: int

    @property
    def value(self) -> float:
        return self.hits / max(1, self.runs)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval."""
        if not self.runs:
            return (0.0, 1.0)
        interval = binomtest(self.hits, self.runs).proportion_ci(method="wilson")
        return (float(interval.low), float(interval.high))

    def __str__(self) -> str:
        low, high = self.interval
        digits = 2 if self.value < 0.1 else 1
        return f"{100 * self.value:.{digits}f} % [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


# --- noise of one block: levels that do not care about the coin -----------------------------------------------------

Noise = Callable[[np.random.Generator, int], Floats]
KIB = 1024.0


def _autoregressive(rng: np.random.Generator, count: int) -> Floats:
    levels = rng.normal(0, 8 * KIB, count)
    for index in range(1, count):
        levels[index] += 0.9 * levels[index - 1]
    return levels


def _sawtooth(rng: np.random.Generator, count: int) -> Floats:
    return 8 * KIB * KIB * ((np.arange(count) / rng.uniform(1.3, 6) + rng.uniform()) % 1)


def _trend(rng: np.random.Generator, count: int) -> Floats:
    time = np.arange(count, dtype=float)
    return 100 * KIB * time + 5 * KIB * time**2 + rng.normal(0, 4 * KIB, count)


NOISE: dict[str, Noise] = {
    "white": lambda rng, count: rng.normal(0, 8 * KIB, count),
    "autocorrelated (AR 0.9)": _autoregressive,
    "random walk": lambda rng, count: np.cumsum(rng.normal(0, 8 * KIB, count)),
    "heavy-tailed walk (t, 1.5)": lambda rng, count: np.cumsum(4 * KIB * rng.standard_t(1.5, count)),
    "trend, bent upwards": _trend,
    "saw-tooth 8 MiB": _sawtooth,
    "rare steps (many ties)": lambda rng, count: 64 * KIB * np.cumsum(rng.poisson(0.2, count)),
    "variance that grows": lambda rng, count: KIB * rng.normal(0, 1, count) * np.arange(1, count + 1) ** 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockErrors:
    """How often the test of one block errs, under one kind of noise."""

    suspected: Share
    """Without effect: p at most 6/252."""
    confirmed: Share
    """Without effect: p at most 1/252."""
    low_holds: Share
    """With a constant effect: the lower bound is not above it."""
    high_holds: Share
    both_hold: Share


def block_errors(noise: str, runs: int) -> BlockErrors:
    """Check level and coverage of one block's test; the coin is the product's, the noise *noise*."""
    rng = np.random.default_rng(sum(noise.encode()))
    suspected = confirmed = lows = highs = both = 0
    for run in range(runs):
        doses = Coin(f"{noise}/{run}").doses(DOSE)
        levels = NOISE[noise](rng, len(doses) + 1)
        p_value = _growth(levels, doses).p_value
        suspected += p_value <= SUSPICION_LEVEL
        confirmed += p_value <= CONFIRM_LEVEL
        held = _held(levels + _accumulated(LEAK_BYTES * np.array(doses)), doses)
        lows, highs, both = lows + held[0], highs + held[1], both + all(held)
    return BlockErrors(
        suspected=Share(suspected, runs),
        confirmed=Share(confirmed, runs),
        low_holds=Share(lows, runs),
        high_holds=Share(highs, runs),
        both_hold=Share(both, runs),
    )


# --- effects that are not constant: where the bounds promise nothing ------------------------------------------------

Effect = Callable[[np.random.Generator, Floats], Floats]
"""Growth of each round, given the doses; all mean :data:`LEAK_BYTES` per request."""


def _every_hundredth(rng: np.random.Generator, doses: Floats) -> Floats:
    return 100 * LEAK_BYTES * rng.binomial(doses.astype(int), 0.01)


def _carried_over(_: np.random.Generator, doses: Floats) -> Floats:
    return LEAK_BYTES * doses + 4 * LEAK_BYTES * np.diff(doses, prepend=0.0)


def _fading(_: np.random.Generator, doses: Floats) -> Floats:
    shares = np.linspace(1.5, 0.5, len(doses))
    return LEAK_BYTES * doses * shares


EFFECTS: dict[str, Effect] = {
    "constant": lambda _, doses: LEAK_BYTES * doses,
    "1,600 B in 1 of 100 requests, at random": _every_hundredth,
    "falls to a third along the block": _fading,
    "64 B more per request, gone one round later": _carried_over,
}


def effect_coverage(effect: str, runs: int) -> tuple[Share, Share]:
    """Return how often the lower and the upper bound hold the mean effect, under white noise."""
    rng = np.random.default_rng(sum(effect.encode()))
    lows = highs = 0
    for run in range(runs):
        doses = Coin(f"{effect}/{run}").doses(DOSE)
        growth = EFFECTS[effect](rng, np.array(doses, dtype=float))
        low, high = _held(NOISE["white"](rng, len(doses) + 1) + _accumulated(growth), doses)
        lows, highs = lows + low, highs + high
    return Share(lows, runs), Share(highs, runs)


# --- the rule that alpha bounds, bare of everything else that a leak must show -------------------------------------


def bare_rule(noise: str, runs: int) -> Share:
    """Return how often suspicion and confirmation alone would call noise a leak.

    All eight blocks are used up, the signals are independent (the worst case), and no growth is too small.
    """
    rng = np.random.default_rng(sum(noise.encode()) + 1)
    return Share(sum(_is_called_leak(noise, rng, f"{noise}/{run}") for run in range(runs)), runs)


def _is_called_leak(noise: str, rng: np.random.Generator, seed: str) -> bool:
    coin = Coin(seed)

    def block() -> list[Experiment]:
        doses = coin.doses(DOSE)
        return [analyse(NOISE[noise](rng, len(doses) + 1).tolist(), doses) for _ in Signal]

    for _ in range(MAX_SUSPICIONS):
        suspects = [index for index, each in enumerate(block()) if each.growth_per_request().p_value <= SUSPICION_LEVEL]
        if not suspects:
            continue
        repeat, again = block(), block()
        for index in suspects:
            alone, joint = repeat[index], pool(repeat[index], again[index])
            if min(alone.growth_per_request().p_value, joint.growth_per_request().p_value) <= CONFIRM_LEVEL:
                return True
    return False


# --- the whole experiment -------------------------------------------------------------------------------------------

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
        observations = [self._observe(step.looks, is_least=step.is_least)]
        loads: list[LoadResult | None] = []
        mean_s = sum(step.doses) / max(1, sum(dose > 0 for dose in step.doses)) / self.rate
        longest_s = 1.3 * mean_s + OVERHEAD_S
        for dose in step.doses:
            began = self.world.now
            loads.append(self._load(dose) if dose else None)
            self.world.now += OVERHEAD_S if dose else step.idle_share * mean_s
            if self.is_equal:
                self.world.now = began + longest_s * (1.0 if dose else step.idle_share)
            observations.append(self._observe(step.looks, is_least=step.is_least))
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


def _growth(levels: Floats, doses: tuple[int, ...]) -> Growth:
    return analyse(levels.tolist(), doses).growth_per_request()


def _held(levels: Floats, doses: tuple[int, ...]) -> tuple[bool, bool]:
    growth = _growth(levels, doses)
    tie = 1e-6 * LEAK_BYTES
    return growth.low <= LEAK_BYTES + tie, growth.high >= LEAK_BYTES - tie


def _accumulated(growth: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(growth)])


def _share(verdicts: list[Verdict], outcome: Outcome) -> Share:
    return Share(sum(verdict.outcome is outcome for verdict in verdicts), len(verdicts))


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 7])


def _rate(seed: int) -> float:
    """Return the requests per second of run *seed*: between 1,500 and 12,000."""
    return float(np.exp(np.random.default_rng([seed, 11]).uniform(np.log(1500), np.log(12000))))
