"""Simulated services: noise models with known truth, in virtual time, for the real experiment to judge.

Run it with ``make simulate``: thousands of experiments, a table of false alarms and detections with Wilson intervals.
The fast form of it is in ``tests/stats/test_simulation.py``.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

from pytest_goleak.measure.conduct import DRAIN_POLL_S
from pytest_goleak.model.looks import ONE_LOOK, Looks
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.model.step import (
    Block,
    BlockResult,
    Conversation,
    Drain,
    DrainResult,
    Listen,
    ListenResult,
    Proof,
    ProofResult,
    Snapshot,
    SnapshotResult,
    Step,
    StepResult,
    WarmUp,
    WarmUpResult,
)
from pytest_goleak.stats.experiment import experiment

LAG_S = 0.06
"""Longest time by which a loaded round outlasts an idle one."""

Levels = np.ndarray
"""Bytes, objects and goroutines."""


@dataclass
class World:
    """What a model may look at: time, the requests served so far and when, and its own randomness."""

    rng: np.random.Generator
    now: float = 0.0
    served: int = 0
    doses: list[tuple[float, int]] = field(default_factory=list)
    """When each dose ended, and its size."""
    rate: float = math.inf
    """Requests per second."""


Part = Callable[[World], Levels]


def levels(byte: float = 0.0, objects: float = 0.0, goroutines: float = 0.0) -> Levels:
    return np.array([byte, objects, goroutines], dtype=float)


# --- parts of a service: each returns what it adds to the levels ----------------------------------------------------


def quiet() -> Part:
    return lambda w: levels(w.rng.normal(0, 1500), w.rng.normal(0, 2))


def gaussian(byte: float, objects: float) -> Part:
    return lambda w: levels(w.rng.normal(0, byte), w.rng.normal(0, objects))


def heavy_tailed(byte: float) -> Part:
    return lambda w: levels(byte * np.clip(w.rng.standard_t(1.5), -1000, 1000), 4 * w.rng.standard_t(2))


def random_walk(byte: float) -> Part:
    state = levels()

    def part(w: World) -> Levels:
        state[:2] += w.rng.normal(0, byte), w.rng.normal(0, byte / 500)
        return state.copy()

    return part


def sawtooth(byte: float, period: float) -> Part:
    return lambda w: levels(byte * ((w.now / period) % 1.0), 8 * ((w.now / period) % 1.0))


def breathing_pool(size: int) -> Part:
    return lambda w: levels(0, 0, w.rng.integers(0, size))


def cron(byte_per_s: float, objects_per_s: float) -> Part:
    return lambda w: levels(byte_per_s * w.now, objects_per_s * w.now)


def rare_steps(byte: float, every_s: float) -> Part:
    state = levels()
    last = [0.0]

    def part(w: World) -> Levels:
        count = w.rng.poisson((w.now - last[0]) / every_s)
        last[0] = w.now
        state[:2] += count * byte, count * 20
        return state.copy()

    return part


def bounded_cache(entries: int, byte: float) -> Part:
    return lambda w: levels(byte * min(w.served, entries), 2 * min(w.served, entries))


def random_keys_cache(keys: int, byte: float) -> Part:
    def part(w: World) -> Levels:
        filled = keys * -math.expm1(-w.served / keys)
        return levels(byte * filled, 2 * filled)

    return part


def peak_structures(byte: float) -> Part:
    """Dead goroutine structs: as many as the highest peak of a backlog that varies from dose to dose."""
    peak = [0.0]

    def part(w: World) -> Levels:
        if w.doses:
            peak[0] = max(peak[0], 0.2 * w.doses[-1][1] * w.rng.uniform(0.7, 1.3))
        return levels(byte * peak[0], peak[0])

    return part


def slow_drain(byte: float, after_s: float) -> Part:
    def part(w: World) -> Levels:
        alive = sum(n for at, n in w.doses if w.now - at < after_s)
        return levels(byte * alive, 3 * alive, alive)

    return part


def drain_one_by_one(byte: float, first_s: float, last_s: float) -> Part:
    """Two goroutines of each request outlive it, by times between *first_s* and *last_s*."""

    def part(w: World) -> Levels:
        ended = [np.clip((w.now - at - first_s) / (last_s - first_s), 0, 1) for at, _ in w.doses]
        alive = 2 * sum(n * (1 - share) for (_, n), share in zip(w.doses, ended, strict=True))
        return levels(byte * alive, 6 * alive, round(alive))

    return part


def held_at_once(byte: float, objects: float, record: float, after_s: float) -> Part:
    """Goroutines that outlive their answer by *after_s*, and the runtime's record of each, which it never frees."""
    peak = [0.0]

    def part(w: World) -> Levels:
        alive = sum(n for at, n in w.doses if w.now - at < after_s)
        peak[0] = max(peak[0], alive)
        return levels(byte * alive + record * peak[0], objects * alive + peak[0], alive)

    return part


def drain_of_another(count: float, after_s: float, over_s: float) -> Part:
    """What requests to another endpoint had left when this one's turn came: goroutines, which end meanwhile."""

    def part(w: World) -> Levels:
        left = count * np.clip((after_s + over_s - w.now) / over_s, 0, 1)
        return levels(3000 * left, 4 * left, left)

    return part


def flushed_queue(byte: float, period: float) -> Part:
    def part(w: World) -> Levels:
        since = (w.now // period) * period
        waiting = sum(min(n, (at - since) * w.rate) for at, n in w.doses if at >= since)
        return levels(byte * waiting, waiting)

    return part


def full_batches(size: int, byte: float) -> Part:
    """Requests are collected until there are *size* of them, and done then."""
    return lambda w: levels(byte * (w.served % size), w.served % size)


def lazy_init(byte: float) -> Part:
    return lambda w: levels(byte, 500) if w.served > 1200 else levels()


def leak(byte: float, objects: float, goroutines: float = 0.0, *, every: int = 1, after: int = 0) -> Part:
    def part(w: World) -> Levels:
        count = max(0, w.served - after) // every
        return levels(byte * count, objects * count, goroutines * count)

    return part


def per_connection(byte: float, objects: float) -> Part:
    return lambda w: levels(16 * byte * len(w.doses), 16 * objects * len(w.doses))


def growing_slice(byte: float, factor: float = 1.25) -> Part:
    """An appended slice: its capacity doubles up to 256 elements, then grows by a quarter; that of a buffer doubles."""

    def part(w: World) -> Levels:
        capacity = 512.0
        while capacity < byte * w.served:
            capacity *= 2.0 if capacity < 4096 else factor
        return levels(capacity, 1)

    return part


CLEAN: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "quiet": lambda _: [],
    "gaussian 36 KiB": lambda _: [gaussian(36 * 1024, 10)],
    "heavy-tailed": lambda _: [heavy_tailed(4096)],
    "random walk": lambda _: [random_walk(8 * 1024)],
    "saw-tooth 8 MiB": lambda r: [sawtooth(8 * 2**20, r.uniform(0.3, 3))],
    "breathing pool 0-99": lambda _: [breathing_pool(100)],
    "cron 100 KiB/s": lambda _: [cron(100 * 1024, 500)],
    "cron of bytes 100 KiB/s": lambda _: [cron(100 * 1024, 0)],
    "cron 8 MiB/s": lambda _: [cron(8 * 2**20, 40_000)],
    "rare steps": lambda r: [rare_steps(r.uniform(1e4, 1e6), 1.0)],
    "bounded cache": lambda r: [bounded_cache(int(r.uniform(500, 5000)), r.uniform(64, 4096))],
    "random keys": lambda r: [random_keys_cache(int(r.uniform(500, 5000)), r.uniform(64, 1024))],
    "peak structures": lambda _: [peak_structures(450)],
    "slow drain": lambda r: [slow_drain(r.uniform(100, 4000), r.uniform(0.5, 7))],
    "drain one by one": lambda r: [drain_one_by_one(1_200, r.uniform(0.2, 3), r.uniform(3, 7))],
    "quick drain with peak": lambda r: [held_at_once(13_000, 30, 500, r.uniform(0.05, 0.6))],
    "slow drain with peak": lambda r: [slow_drain(600, r.uniform(1, 6)), peak_structures(450)],
    "drain of another endpoint": lambda r: [drain_of_another(r.uniform(100, 5000), r.uniform(0, 6), r.uniform(0.1, 3))],
    "flushed queue": lambda r: [flushed_queue(200, r.uniform(0.5, 7.5))],
    "full batches": lambda r: [full_batches(int(r.uniform(64, 1000)), 200)],
    "lazy init": lambda _: [lazy_init(200_000)],
}

LEAKING: dict[str, Callable[[np.random.Generator], list[Part]]] = {
    "16 B": lambda _: [leak(16, 1)],
    "256 B": lambda _: [leak(256, 1)],
    "64 KiB": lambda _: [leak(65536, 1)],
    "goroutine": lambda _: [leak(3000, 4, 1)],
    "1 KiB in 1 of 100": lambda _: [leak(1024, 1, every=100)],
    "goroutine in 1 of 100": lambda _: [leak(3000, 4, 1, every=100)],
    "late start": lambda r: [leak(256, 1, after=int(r.uniform(500, 4000)))],
    "256 B under saw-tooth": lambda r: [leak(256, 1), sawtooth(8 * 2**20, r.uniform(0.3, 3))],
    "2 KiB, no objects, saw-tooth": lambda r: [leak(2048, 0), sawtooth(8 * 2**20, r.uniform(2, 6))],
    "256 B under cron": lambda _: [leak(256, 1), cron(100 * 1024, 500)],
    "256 B under random walk": lambda _: [leak(256, 1), random_walk(8 * 1024)],
    "goroutine under pool": lambda _: [leak(3000, 4, 1), breathing_pool(100)],
    "leak and quick drain": lambda r: [leak(2_000, 4), held_at_once(13_000, 30, 500, r.uniform(0.05, 0.6))],
    "leak and drain": lambda r: [leak(256, 1), slow_drain(1000, r.uniform(1, 5))],
    "leak and another's drain": lambda r: [
        leak(3000, 4, 1, every=10),
        drain_of_another(r.uniform(100, 5000), r.uniform(0, 6), r.uniform(0.1, 3)),
    ],
    "leak and flushed queue": lambda r: [leak(256, 1), flushed_queue(200, r.uniform(0.5, 7.5))],
    "growing slice": lambda _: [growing_slice(256)],
    "growing buffer": lambda r: [growing_slice(r.uniform(100, 4000), 2.0)],
    "64 KiB per connection": lambda _: [per_connection(64 * 1024, 10)],
    "unbounded keys": lambda _: [random_keys_cache(10**7, 300)],
}


EMPTY = Observation(at_s=0.0, heap_bytes=2**21, heap_objects=9000, goroutines=12, total_alloc=0, num_gc=0)
"""A service that has done nothing yet."""


class SimulatedService:
    """Answers the experiment's steps in virtual time."""

    def __init__(self, parts: list[Part], *, seed: int, rate: float) -> None:
        self.world = World(np.random.default_rng(seed))
        self.parts = [quiet(), *parts]
        self.rate = rate
        self.collections = 0

    def past(self) -> list[Measured]:
        """Return looks before the first request: for all that the judge knows, what is there by now may go away."""
        return [Measured(looks=(EMPTY, self._observe()))]

    def perform(self, step: Step) -> StepResult:
        match step:
            case WarmUp():
                sent = int(min(step.max_requests, self.rate * step.seconds))
                self._load(sent)
                return WarmUpResult(
                    requests=sent, rate=self.rate, observation=self._observe(), elapsed_s=self.world.now
                )
            case Block():
                return self._block(step)
            case Listen():
                return self._listen(step)
            case Drain():
                return self._drain(step)
            case Proof():
                return ProofResult(leaked=None, elapsed_s=self.world.now)
            case Snapshot():
                return SnapshotResult(elapsed_s=self.world.now)

    def _block(self, step: Block) -> BlockResult:
        observations = [self._observe(step.looks)]
        loads: list[LoadResult | None] = []
        for index, dose in enumerate(step.doses):
            size = step.size(index, loads)
            if dose:
                loads.append(self._load(size))
            else:
                self.world.now += step.idle_share * size / self.rate
                loads.append(None)
            observations.append(self._observe(step.looks))
        return BlockResult(observations=tuple(observations), loads=tuple(loads), elapsed_s=self.world.now)

    def _listen(self, step: Listen) -> ListenResult:
        ends = self.world.now + step.seconds
        observations = [self._observe()]
        while self.world.now < ends:
            self.world.now += 0.02
            observations.append(self._observe())
        return ListenResult(observations=tuple(observations), elapsed_s=self.world.now)

    def _drain(self, step: Drain) -> DrainResult:
        ends_s = self.world.now + step.seconds
        observations = [self._observe()]
        while not step.is_over(observations, is_late=self.world.now >= ends_s):
            self.world.now += DRAIN_POLL_S
            observations.append(self._observe())
        return DrainResult(observations=tuple(observations), elapsed_s=self.world.now)

    def _load(self, requests: int) -> LoadResult:
        self.world.rate = self.rate
        duration = requests / self.rate
        # Rounds with load take longer than the others, by more than pacing makes up for.
        self.world.now += duration + self.world.rng.uniform(0, LAG_S)
        self.world.served += requests
        self.world.doses.append((self.world.now, requests))
        return LoadResult(
            planned=requests, completed=requests, duration_s=duration, connections=16, latency_s=1 / self.rate
        )

    def _observe(self, looks: Looks = ONE_LOOK) -> Observation:
        seen: list[Observation] = []
        while not seen or not looks.are_over(seen):
            self.world.now += 0.01 if looks.most == 1 else 0.03
            seen.append(self._look())
        return looks.read(seen)

    def _look(self) -> Observation:
        self.collections += 1
        level = levels(*(EMPTY.level(signal) for signal in Signal))
        level = level + sum((part(self.world) for part in self.parts), levels())
        return Observation(
            at_s=self.world.now,
            heap_bytes=round(level[0]),
            heap_objects=round(level[1]),
            goroutines=round(level[2]),
            total_alloc=self.collections,
            num_gc=self.collections,
        )


def judge(parts: list[Part], *, seed: int, rate: float = 6000.0, plan: MeasurePlan | None = None) -> Verdict:
    """Run one whole experiment on a simulated service."""
    service = SimulatedService(parts, seed=seed, rate=rate)
    return conclude(experiment(plan or MeasurePlan(seed=seed), past=service.past()), service)


def conclude(conversation: Conversation, service: SimulatedService) -> Verdict:
    """Carry out the steps of *conversation* on *service*, and return the verdict."""
    step = next(conversation)
    while True:
        try:
            step = conversation.send(service.perform(step))
        except StopIteration as end:
            return end.value


def tally(make: Callable[[np.random.Generator], list[Part]], *, runs: int, first_seed: int = 1) -> Counter[Outcome]:
    """Return how many of *runs* experiments ended how; each has its own coin, noise, parameters and speed."""
    outcomes: Counter[Outcome] = Counter()
    for seed in range(first_seed, first_seed + runs):
        rng = np.random.default_rng([seed, 7])
        rate = float(np.exp(rng.uniform(np.log(1500), np.log(12000))))
        outcomes[judge(make(rng), seed=seed, rate=rate).outcome] += 1
    return outcomes


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="experiments for each model")
    parser.add_argument("--only", default="", help="part of a model's name")
    arguments = parser.parse_args()
    started = time.monotonic()
    print(f"{'model':28} {'leak':>6} {'clean':>6} {'incon.':>6}   share of 'leak', 95 % Wilson interval")
    for truth, models in (("clean", CLEAN), ("leaking", LEAKING)):
        total: Counter[Outcome] = Counter()
        print(f"--- {truth}")
        for name, make in models.items():
            if arguments.only in name:
                outcomes = tally(make, runs=arguments.runs)
                total += outcomes
                print(_row(name, outcomes))
        if total:
            print(_row(f"all {truth}", total))
    print(f"in {time.monotonic() - started:.0f} s")


def _row(name: str, outcomes: Counter[Outcome]) -> str:
    runs = outcomes.total()
    found = outcomes[Outcome.LEAK]
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return (
        f"{name:28} {found:6} {outcomes[Outcome.CLEAN]:6} {outcomes[Outcome.INCONCLUSIVE]:6}"
        f"   {100 * found / runs:5.1f} %  [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    )


if __name__ == "__main__":
    main()
